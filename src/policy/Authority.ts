/**
 * Who decides on trying again: the outermost call that does so at all.
 *
 * Retries multiply where each layer has its own: three times three times three
 * is a storm. So a relayed call says, to everything that runs inside it, that it
 * is in charge: what is inside takes every attempt beyond its first from the
 * same count, and pays for it from the same budget.
 *
 * What it holds is a record for all who are inside, changed in place.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"
import * as RetryBudget from "../machine/RetryBudget.ts"

/**
 * The authority of one call.
 *
 * The first attempt of a call inside belongs to the attempt around it, and is
 * counted only by itself; each one more is counted all the way out, so that no
 * level is ever exceeded. Once its call has ended, it binds nobody: work that
 * outlives the call is under those that go on.
 *
 * @category models
 * @since 0.1.0
 */
export class Authority {
  /** What retries are paid from: that of the outermost call. */
  readonly budget: RetryBudget.RetryBudget
  readonly parent: Authority | undefined
  #left: number
  #isOver = false

  constructor(attempts: number, budget: RetryBudget.RetryBudget, parent: Authority | undefined) {
    this.#left = attempts
    this.budget = parent === undefined ? budget : parent.budget
    this.parent = parent
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Whether another attempt may begin, the first of its call or one more. */
  hasLeft(isFirst: boolean): boolean {
    if (this.#isOver) return this.parent === undefined || this.parent.hasLeft(false)
    return this.#left > 0 && (isFirst || this.parent === undefined || this.parent.hasLeft(false))
  }

  /** Counts an attempt that begins. */
  take(isFirst: boolean): void {
    this.#left--
    if (!isFirst) this.parent?.take(false)
  }

  /** Counts one more attempt and pays for it; `false` if either cannot be done, and then neither is. */
  withdrawUnsafe(now: number): boolean {
    if (!this.hasLeft(false) || !RetryBudget.withdraw(this.budget, now)) return false
    this.take(false)
    return true
  }

  /** Takes back an attempt that was paid for and did not begin. */
  refundUnsafe(now: number): void {
    RetryBudget.refund(this.budget, now)
    this.#giveBack()
  }

  /** Its call has ended. */
  end(): void {
    this.#isOver = true
  }

  #giveBack(): void {
    this.#left++
    if (this.parent !== undefined) this.parent.#giveBack()
  }
}

/**
 * The authority that the running fiber is under, `undefined` for none.
 *
 * @category references
 * @since 0.1.0
 */
export const CurrentAuthority: Context.Reference<Authority | undefined> = Context.Reference<Authority | undefined>(
  "effect-relay/policy/Authority",
  { defaultValue: () => undefined }
)

/**
 * The innermost of these whose call goes on.
 *
 * @category getters
 * @since 0.1.0
 */
export const inForce = (authority: Authority | undefined): Authority | undefined => {
  let current = authority
  while (current?.isOver === true) current = current.parent
  return current
}

/**
 * The authority that a fiber is under.
 *
 * @category getters
 * @since 0.1.0
 */
export const ofUnsafe = (fiber: Fiber.Fiber<unknown, unknown>): Authority | undefined =>
  inForce(fiber.getRef(CurrentAuthority))
