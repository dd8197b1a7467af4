/**
 * Money and tokens set aside for work of one's own, before it is known what it takes.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Allowance from "../machine/Allowance.ts"
import * as Money from "../machine/Money.ts"
import * as BudgetExceeded from "./BudgetExceeded.ts"
import * as InvalidArgument from "./InvalidArgument.ts"
import * as Now from "./Now.ts"
import * as Purse from "./Purse.ts"

/**
 * So much of each; nothing where it is not said.
 *
 * @category models
 * @since 0.1.0
 */
export interface Amount {
  /** From 0 up, to the billionth. */
  readonly dollars?: number | undefined
  /** Whole, from 0 up. */
  readonly tokens?: number | undefined
}

/**
 * What was set aside, until it is settled or cancelled, or its scope closes; whichever comes first counts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Earmark {
  readonly reserved: { readonly dollars: number; readonly tokens: number }
  /** Charges what was really spent, and gives back the rest; what is more than was set aside is charged as well. */
  readonly settle: (actual: Amount) => Effect.Effect<void, InvalidArgument.InvalidArgument>
  /** Gives all of it back. */
  readonly cancel: Effect.Effect<void>
}

/**
 * What work can fail with before it begins.
 *
 * @category models
 * @since 0.1.0
 */
export type Refused = BudgetExceeded.BudgetExceeded | InvalidArgument.InvalidArgument

const decode = (subject: string, amount: Amount): Allowance.Amount | InvalidArgument.InvalidArgument => {
  if (typeof amount !== "object" || amount === null) {
    return InvalidArgument.make(subject, "amount", amount, "it has to be an object with dollars or tokens")
  }
  for (const name in amount) {
    if (name !== "dollars" && name !== "tokens") {
      return InvalidArgument.make(subject, name, "there", "an amount has only dollars and tokens")
    }
  }
  const { dollars = 0, tokens = 0 } = amount
  if (!(typeof dollars === "number" && dollars >= 0 && dollars <= Money.maxDollars)) {
    return InvalidArgument.make(subject, "dollars", dollars, `it has to be a number from 0 to ${Money.maxDollars}`)
  }
  if (!(Number.isSafeInteger(tokens) && tokens >= 0)) {
    return InvalidArgument.make(subject, "tokens", tokens, "it has to be a whole number from 0 up")
  }
  return { money: Money.fromDollars(dollars), tokens }
}

class OpenEarmark implements Earmark {
  readonly #purse: Purse.Purse
  readonly #held: Allowance.Amount
  #isOpen = true

  constructor(purse: Purse.Purse, held: Allowance.Amount) {
    this.#purse = purse
    this.#held = held
  }

  get reserved(): Earmark["reserved"] {
    return { dollars: Money.toDollars(this.#held.money), tokens: this.#held.tokens }
  }

  get settle(): Earmark["settle"] {
    return (actual) =>
      Effect.suspend(() => {
        const spent = decode("Earmark.settle", actual)
        return spent instanceof InvalidArgument.InvalidArgument ? Effect.fail(spent) : this.#close(spent)
      })
  }

  get cancel(): Effect.Effect<void> {
    return this.#close(Allowance.nothing)
  }

  /** What was never settled was spent if the work was done, and was not if it failed or was interrupted. */
  end(exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> {
    return this.#close(Exit.isSuccess(exit) ? this.#held : Allowance.nothing)
  }

  #close(spent: Allowance.Amount): Effect.Effect<void> {
    return Effect.withFiber((fiber) => {
      if (this.#isOpen) {
        this.#isOpen = false
        Purse.settle(this.#purse, this.#held, spent, Now.read(Now.clockOf(fiber)))
        Purse.use(this.#purse, undefined, -1)
      }
      return Effect.void
    })
  }
}

/**
 * Sets an amount aside, in a budget and in those around it, for as long as a scope is open.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  subject: string,
  pocket: Purse.Pocket,
  estimate: Amount
): Effect.Effect<Earmark, Refused, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.withFiber((fiber): Effect.Effect<OpenEarmark, Refused> => {
      const amount = decode(subject, estimate)
      if (amount instanceof InvalidArgument.InvalidArgument) return Effect.fail(amount)
      const now = Now.read(Now.clockOf(fiber))
      const purse = Purse.inside(Purse.ofUnsafe(fiber), pocket)
      const short = Purse.shortOf(purse, amount, now)
      if (short !== undefined) {
        return Effect.fail(BudgetExceeded.make(undefined, short.purse, short.kind, amount[short.kind], now))
      }
      Purse.hold(purse, amount)
      Purse.use(purse, undefined, 1)
      return Effect.succeed(new OpenEarmark(purse, amount))
    }),
    (earmark, exit) => earmark.end(exit)
  )
