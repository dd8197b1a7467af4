/**
 * What a caller is ready to spend, in money and in tokens, known to every relayed call it makes.
 *
 * Before an attempt the most it may take is set aside, and afterwards what it
 * took is charged, so that calls at once cannot spend more than there is. One
 * that may take more than is left is not sent: it fails with `BudgetExceeded`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Allowance from "../machine/Allowance.ts"
import * as Money from "../machine/Money.ts"
import * as Configuration from "./Configuration.ts"
import * as Policy from "./Policy.ts"

export {
  /**
   * The error of a call that may cost more than is left.
   *
   * @category errors
   * @since 0.1.0
   */
  BudgetExceeded
} from "./BudgetExceeded.ts"

/**
 * What may be spent: at least one of the two.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** From 0.000000001, to the billionth, up to nine million. Default: no limit. */
  readonly dollars?: number | undefined
  /** Of questions and answers together, from 1 up. Default: no limit. */
  readonly tokens?: number | undefined
}

const leastDollars = 1e-9

const Settings = Schema.Struct({
  dollars: Schema.optional(Configuration.field(
    (value): value is number => typeof value === "number" && value >= leastDollars && value <= Money.maxDollars,
    `it has to be a number from ${leastDollars} to ${Money.maxDollars}`
  )),
  tokens: Schema.optional(Configuration.integer(1))
})

/**
 * What a budget shows of itself. Dollars are for reading; they are counted in billionths.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  /** What calls that have ended took. */
  spent: Schema.Struct({ dollars: Schema.Finite, tokens: Schema.Finite }),
  /** What is set aside for calls under way. */
  held: Schema.Struct({ dollars: Schema.Finite, tokens: Schema.Finite })
})

/**
 * What a budget shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

/**
 * A budget that any number of calls share.
 *
 * @category models
 * @since 0.1.0
 */
export interface Budget {
  /** Relayed calls inside spend from it, and from the budgets around it as well. It adds no failure of its own. */
  readonly protect: Policy.Policy
  readonly state: Effect.Effect<Snapshot>
}

/**
 * The budgets that a call spends from, the innermost first.
 *
 * @category models
 * @since 0.1.0
 */
export interface Purse {
  readonly allowance: Allowance.Allowance
  readonly outer: Purse | undefined
}

/**
 * What the running fiber spends from; `undefined` where nobody counts.
 *
 * @category references
 * @since 0.1.0
 */
export const CurrentPurse: Context.Reference<Purse | undefined> = Context.Reference<Purse | undefined>(
  "effect-relay/policy/Budget",
  { defaultValue: () => undefined }
)

/**
 * What a fiber spends from.
 *
 * @category getters
 * @since 0.1.0
 */
export const ofUnsafe = (fiber: Fiber.Fiber<unknown, unknown>): Purse | undefined => fiber.getRef(CurrentPurse)

/**
 * The same with another budget inside, which is there once, however often it is named.
 *
 * @category combinators
 * @since 0.1.0
 */
export const inside = (outer: Purse | undefined, allowance: Allowance.Allowance): Purse => {
  for (let purse = outer; purse !== undefined; purse = purse.outer) if (purse.allowance === allowance) return outer!
  return { allowance, outer }
}

/**
 * The first that does not suffice for this amount, the innermost first.
 *
 * @category getters
 * @since 0.1.0
 */
export const shortOf = (
  self: Purse,
  amount: Allowance.Amount
): { readonly allowance: Allowance.Allowance; readonly kind: Allowance.Kind } | undefined => {
  for (let purse: Purse | undefined = self; purse !== undefined; purse = purse.outer) {
    const kind = Allowance.shortOf(purse.allowance, amount)
    if (kind !== undefined) return { allowance: purse.allowance, kind }
  }
  return undefined
}

/**
 * The first that is limited in money, the innermost first.
 *
 * @category getters
 * @since 0.1.0
 */
export const limitedInMoney = (self: Purse): Allowance.Allowance | undefined => {
  for (let purse: Purse | undefined = self; purse !== undefined; purse = purse.outer) {
    if (purse.allowance.limit.money < Infinity) return purse.allowance
  }
  return undefined
}

/**
 * Sets an amount aside in all of them.
 *
 * @category transitions
 * @since 0.1.0
 */
export const holdUnsafe = (self: Purse, amount: Allowance.Amount): void => {
  for (let purse: Purse | undefined = self; purse !== undefined; purse = purse.outer) {
    Allowance.hold(purse.allowance, amount)
  }
}

/**
 * Charges all of them with what was spent of what was set aside.
 *
 * @category transitions
 * @since 0.1.0
 */
export const settleUnsafe = (self: Purse, held: Allowance.Amount, spent: Allowance.Amount): void => {
  for (let purse: Purse | undefined = self; purse !== undefined; purse = purse.outer) {
    Allowance.settle(purse.allowance, held, spent)
  }
}

const show = ({ money, tokens }: Allowance.Amount): Snapshot["spent"] => ({ dollars: Money.toDollars(money), tokens })

const allowances = new WeakMap<object, Allowance.Allowance>()

/**
 * The allowance of a budget, or one that has these options.
 *
 * @category decoding
 * @since 0.1.0
 */
export const allowanceOf = (
  subject: string,
  budget: Budget | Options
): Result.Result<Allowance.Allowance, Configuration.InvalidConfiguration> => {
  const shared = allowances.get(budget)
  if (shared !== undefined) return Result.succeed(shared)
  return Result.flatMap(
    Configuration.decodeResult(subject, Settings, budget, {}),
    ({ dollars, tokens }) =>
      dollars === undefined && tokens === undefined
        ? Result.fail(
          new Configuration.InvalidConfiguration({
            subject,
            field: "dollars",
            value: "undefined",
            rule: "it has to be said, or tokens, or both"
          })
        )
        : Result.succeed(Allowance.make({
          money: dollars === undefined ? Infinity : Money.fromDollars(dollars),
          tokens: tokens ?? Infinity
        }))
  )
}

const words = ({ money, tokens }: Allowance.Amount): ReadonlyArray<string> => [
  ...(money === Infinity ? [] : [Money.format(money)]),
  ...(tokens === Infinity ? [] : [`${tokens} tokens`])
]

const spending = (limit: Allowance.Amount, allowance: () => Allowance.Allowance): Policy.Policy =>
  Policy.make(
    <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.withFiber((fiber) => Effect.provideService(self, CurrentPurse, inside(ofUnsafe(fiber), allowance()))),
    () => ({ _tag: "Budget", limits: words(limit) })
  )

/**
 * A budget that any number of calls share, for as long as it is kept.
 *
 * Fails with `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Budget } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const budget = yield* Budget.make({ dollars: 0.5, tokens: 100_000 })
 *   // what is relayed inside spends from it
 *   yield* Effect.log("no call was made").pipe(budget.protect)
 *   return yield* budget.state
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<Budget, Configuration.InvalidConfiguration> =>
  Effect.suspend(() =>
    Effect.map(Effect.fromResult(allowanceOf("Budget", options)), (allowance) => {
      const budget: Budget = {
        protect: spending(allowance.limit, () => allowance),
        state: Effect.sync(() => ({ spent: show(allowance.spent), held: show(allowance.held) }))
      }
      allowances.set(budget, allowance)
      return budget
    })
  )

/**
 * Gives each run of an effect a budget of its own. Throws `InvalidConfiguration`
 * on options that cannot work.
 *
 * ```ts no-run
 * import { Effect } from "effect"
 * import { Budget, RelayService } from "effect-relay"
 *
 * const messages = [{ role: "user" as const, content: "Is it raining?" }]
 *
 * // all questions of this agent together cost two cents at most
 * export const agent = Effect.gen(function*() {
 *   const relay = yield* RelayService.RelayService
 *   return yield* Effect.forEach(["small", "large"], (model) => relay.chat({ model, messages, max_tokens: 500 }))
 * }).pipe(Budget.within({ dollars: 0.02 }))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const within = (options: Options): Policy.Policy => {
  const { limit } = Result.getOrThrowWith(allowanceOf("Budget.within", options), (invalid) => invalid)
  return spending(limit, () => Allowance.make(limit))
}
