/**
 * One call on its way through a bulkhead: it takes slots or waits for them, and
 * gives back whatever it has when it ends, however it ends.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Expiry from "../machine/Expiry.ts"
import type * as TurnQueue from "../machine/TurnQueue.ts"
import type { BulkheadFull } from "./BulkheadFull.ts"
import * as Demand from "./Demand.ts"
import * as Now from "./Now.ts"
import type { Slots } from "./Slots.ts"
import type { Waiter } from "./WaitingLine.ts"

// `onGrant` is called in the step in which the slots are taken, and says how to go on
class Waiting<A, E, R> implements Waiter {
  readonly weight: number
  readonly level: number
  readonly #onGrant: (now: number) => Effect.Effect<A, E, R>
  reason: BulkheadFull["reason"] = "WaitedTooLong"
  place: TurnQueue.Place<Waiter> | undefined
  entry: Expiry.Entry<Waiter> | undefined
  #resume: ((effect: Effect.Effect<A, E | BulkheadFull, R>) => void) | undefined

  constructor({ level, weight }: Demand.Claim, onGrant: (now: number) => Effect.Effect<A, E, R>) {
    this.weight = weight
    this.level = level
    this.#onGrant = onGrant
  }

  // whether there is room is asked in the step that enters the line
  wait(slots: Slots, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<A, E | BulkheadFull, R> {
    return Effect.callback((resume) => {
      this.#resume = resume
      const refusal = slots.enter(this, fiber)
      if (refusal !== undefined) this.refuse(refusal)
    })
  }

  grant(now: number): void {
    this.#resume!(this.#onGrant(now))
  }

  refuse(refusal: BulkheadFull): void {
    this.#resume!(Effect.fail(refusal))
  }
}

/**
 * Runs an effect in the slots that it asks for.
 *
 * @category combinators
 * @since 0.1.0
 */
export const run = <A, E, R>(
  slots: Slots,
  self: Effect.Effect<A, E, R>,
  claim: Demand.Claim
): Effect.Effect<A, E | BulkheadFull, R> =>
  slots.isAdaptive ? runTimed(slots, self, claim) : runUntimed(slots, self, claim)

// here and below the finalizer stands before anything is held: no interrupt can fall between the two
const runUntimed = <A, E, R>(
  slots: Slots,
  self: Effect.Effect<A, E, R>,
  claim: Demand.Claim
): Effect.Effect<A, E | BulkheadFull, R> =>
  Effect.suspend(() => {
    // where nothing can be taken, nothing has to be given back
    const refusal = slots.refusalAtOnce(claim.weight)
    if (refusal !== undefined) return Effect.fail(refusal)
    let isHolding = false
    let waiting: Waiting<A, E, R> | undefined
    return Effect.onExitPrimitive(
      Effect.withFiber((fiber): Effect.Effect<A, E | BulkheadFull, R> => {
        isHolding = slots.take(claim.weight)
        if (isHolding) return self
        waiting = new Waiting(claim, () => {
          isHolding = true
          return self
        })
        return waiting.wait(slots, fiber)
      }),
      () => {
        if (isHolding) slots.release(claim.weight)
        else if (waiting !== undefined) slots.leave(waiting)
        return undefined
      }
    )
  })

const runTimed = <A, E, R>(
  slots: Slots,
  self: Effect.Effect<A, E, R>,
  claim: Demand.Claim
): Effect.Effect<A, E | BulkheadFull, R> =>
  Effect.withFiber((fiber) => {
    const refusal = slots.refusalAtOnce(claim.weight)
    if (refusal !== undefined) return Effect.fail(refusal)
    const clock = Now.clockOf(fiber)
    let startedAt: number | undefined
    let waiting: Waiting<A, E, R> | undefined
    return Effect.onExitPrimitive(
      Effect.suspend((): Effect.Effect<A, E | BulkheadFull, R> => {
        const now = Now.read(clock)
        if (slots.take(claim.weight)) {
          startedAt = now
          return self
        }
        waiting = new Waiting(claim, (now) => {
          startedAt = now
          return self
        })
        return waiting.wait(slots, fiber)
      }),
      (exit) => {
        if (startedAt === undefined) {
          if (waiting !== undefined) slots.leave(waiting)
          return undefined
        }
        try {
          learn(slots, exit, startedAt, Now.read(clock))
        } finally {
          // last, so that whoever waits finds what was learned; and also if a predicate throws
          slots.release(claim.weight)
        }
        return undefined
      }
    )
  })

// who was cancelled says nothing about the other side, and neither does a failure of another kind
const learn = (slots: Slots, exit: Exit.Exit<unknown, unknown>, startedAt: number, now: number): void => {
  if (Exit.isSuccess(exit)) return slots.sample(now - startedAt, false, now)
  if (Cause.hasInterrupts(exit.cause)) return
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  if (failure !== undefined && slots.isDrop(failure.error)) slots.sample(now - startedAt, true, now)
}

/**
 * Waits for one slot, which is the caller's to give back from the step on in which `onSlot` is called.
 *
 * @category combinators
 * @since 0.1.0
 */
export const awaitSlot = (slots: Slots, onSlot: () => void): Effect.Effect<void, BulkheadFull> =>
  Effect.suspend(() => {
    const waiting = new Waiting(Demand.usual, () => {
      onSlot()
      return Effect.void
    })
    return Effect.onExitPrimitive(
      Effect.withFiber((fiber) => waiting.wait(slots, fiber)),
      () => {
        slots.leave(waiting)
        return undefined
      }
    )
  })
