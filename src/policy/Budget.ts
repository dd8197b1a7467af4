/**
 * What a caller is ready to spend, in money and in tokens, known to every relayed call it makes.
 *
 * Before an attempt the most it may take is set aside, and afterwards what it
 * took is charged, so that calls at once cannot spend more than there is. One
 * that may take more than is left is not sent: it fails with `BudgetExceeded`.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import { unwrap } from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Allowance from "../machine/Allowance.ts"
import * as Money from "../machine/Money.ts"
import * as BudgetOptions from "./BudgetOptions.ts"
import type * as Configuration from "./Configuration.ts"
import * as Earmark from "./Earmark.ts"
import * as Keyed from "./Keyed.ts"
import * as Now from "./Now.ts"
import * as Policy from "./Policy.ts"
import * as Purse from "./Purse.ts"
import * as Words from "./Words.ts"

export {
  /**
   * The error of a call that may cost more than is left.
   *
   * @category errors
   * @since 0.1.0
   */
  BudgetExceeded
} from "./BudgetExceeded.ts"

export {
  /**
   * The options that hold where none is given.
   *
   * @category constants
   * @since 0.1.0
   */
  defaults,
  /**
   * What may be spent: at least one of the two.
   *
   * @category models
   * @since 0.1.0
   */
  type Limits,
  /**
   * What may be spent by each key of a budget that calls share.
   *
   * @category models
   * @since 0.1.0
   */
  type Options
} from "./BudgetOptions.ts"

export type {
  /**
   * So much of each; nothing where it is not said.
   *
   * @category models
   * @since 0.1.0
   */
  Amount,
  /**
   * What was set aside for work of one's own.
   *
   * @category models
   * @since 0.1.0
   */
  Earmark
} from "./Earmark.ts"

/**
 * What a budget shows of itself. Dollars are for reading; they are counted in billionths.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  key: Schema.String,
  /** What calls that have ended took, as far as it counts. */
  spent: Schema.Struct({ dollars: Schema.Finite, tokens: Schema.Finite }),
  /** What is set aside for calls under way. */
  held: Schema.Struct({ dollars: Schema.Finite, tokens: Schema.Finite }),
  /** Milliseconds until all that was spent has come back; absent where nothing was, or nothing does. */
  resetAfter: Schema.optionalKey(Schema.Finite)
})

/**
 * What a budget shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

/**
 * A budget that any number of calls share, and the way to those of other keys: of each tenant, for instance.
 *
 * A key that has spent something keeps its budget until that comes back. Beyond `maxKeys` of them new keys share one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Budget extends Keyed.Family<Budget, BudgetOptions.Options, Snapshot> {
  readonly key: string
  /** Relayed calls inside spend from it, and from the budgets around it as well. It adds no failure of its own. */
  readonly protect: Policy.Policy
  /**
   * Sets an amount aside for work of your own, here and in the budgets around it, until it is settled, cancelled, or its
   * scope closes: then it is charged after a success and given back after a failure or an interrupt. Not for relayed calls:
   * they do so themselves.
   */
  readonly reserve: (estimate: Earmark.Amount) => Effect.Effect<Earmark.Earmark, Earmark.Refused, Scope.Scope>
  /** The same for as long as an effect runs, settled by what its answer says it took; all of it where that is no amount. */
  readonly withReservation: <A, E, R>(
    estimate: Earmark.Amount,
    use: (earmark: Earmark.Earmark) => Effect.Effect<A, E, R>,
    actualOf?: (answer: A) => Earmark.Amount
  ) => Effect.Effect<A, E | Earmark.Refused, R>
  readonly state: Effect.Effect<Snapshot>
  /** Forgets what was spent; what is set aside for calls under way stays so. */
  readonly reset: Effect.Effect<void>
}

/**
 * The service that your own code asks for.
 *
 * @category services
 * @since 0.1.0
 */
export const Budget: Context.Service<Budget, Budget> = Context.Service<Budget>("effect-relay/policy/Budget")

const show = ({ money, tokens }: Allowance.Amount): Snapshot["spent"] => ({ dollars: Money.toDollars(money), tokens })

const words = ({ money, tokens }: Allowance.Amount, window: number): ReadonlyArray<string> =>
  [
    ...(money === Infinity ? [] : [Money.format(money)]),
    ...(tokens === Infinity ? [] : [`${tokens} tokens`])
  ].map((limit) => window === Infinity ? limit : `${limit} in ${Words.duration(window)}`)

const spending = (limits: ReadonlyArray<string>, pocket: () => Purse.Pocket): Policy.Policy =>
  Policy.make(
    <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.suspend(() => {
        let outer: Purse.Purse | undefined
        let purse: Purse.Purse | undefined
        return Effect.onExitPrimitive(
          Effect.withFiber((fiber) => {
            outer = Purse.ofUnsafe(fiber)
            purse = Purse.inside(outer, pocket())
            Purse.use(purse, outer, 1)
            return Effect.provideService(self, Purse.CurrentPurse, purse)
          }),
          () => {
            Purse.use(purse, outer, -1)
            return undefined
          }
        )
      }),
    () => ({ _tag: "Budget", limits })
  )

// one object a key
class KeyBudget extends Keyed.Sibling<Budget, BudgetOptions.Options, Snapshot> implements Budget, Purse.Pocket {
  readonly key: string
  readonly allowance: Allowance.Allowance
  #protect: Policy.Policy | undefined

  constructor(
    key: string,
    { limit, per }: BudgetOptions.Settings,
    family: Keyed.Family<Budget, BudgetOptions.Options, Snapshot>
  ) {
    super(family)
    this.key = key
    this.allowance = Allowance.make(limit, per)
  }

  get owner(): string | undefined {
    return this.key === Keyed.ownKey ? undefined : this.key
  }
  get protect(): Policy.Policy {
    return this.#protect ??= spending(words(this.allowance.limit, this.allowance.window), () => this)
  }
  get reserve(): Budget["reserve"] {
    return (estimate) => Earmark.make("Budget.reserve", this, estimate)
  }
  get withReservation(): Budget["withReservation"] {
    return (estimate, use, actualOf) =>
      Effect.scoped(
        Effect.flatMap(Earmark.make("Budget.withReservation", this, estimate), (earmark) => {
          const used = use(earmark)
          if (actualOf === undefined) return used
          return Effect.tap(used, (answer) =>
            Effect.suspend(() => earmark.settle(actualOf(answer))).pipe(
              // the work was done, whatever is said of it
              Effect.onError(() => Effect.ignore(earmark.settle(estimate)))
            ))
        })
      ) as never
  }
  get state(): Effect.Effect<Snapshot> {
    return Effect.map(Now.current, (now) => {
      const { allowance, key } = this
      // what came back by now counts no more
      Allowance.renew(allowance, now)
      const last = allowance.parts.at(-1)
      return {
        key,
        spent: show(allowance.spent),
        held: show(allowance.held),
        ...(last === undefined ? {} : { resetAfter: Math.ceil(last.until - now) })
      }
    })
  }
  get reset(): Effect.Effect<void> {
    return Effect.sync(() => Allowance.reset(this.allowance))
  }
}

/**
 * The pocket of a budget, or one that has these limits.
 *
 * @category decoding
 * @since 0.1.0
 */
export const pocketOf = (
  subject: string,
  budget: Budget | BudgetOptions.Limits
): Result.Result<Purse.Pocket, Configuration.InvalidConfiguration> =>
  budget instanceof KeyBudget
    ? Result.succeed(budget)
    : Result.map(
      BudgetOptions.decodeLimits(subject, budget as BudgetOptions.Limits),
      (limit) => ({ allowance: Allowance.make(limit), owner: undefined })
    )

/**
 * Whether a value is a budget that calls share.
 *
 * @category guards
 * @since 0.1.0
 */
export const isBudget = (value: unknown): value is Budget & Purse.Pocket => value instanceof KeyBudget

/**
 * A budget that any number of calls share, for as long as it is kept, and one for every other key.
 *
 * Fails with `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Budget } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const budgets = yield* Budget.make({ dollars: 0.5, tokens: 100_000, per: "1 day" })
 *   // what is relayed inside spends from it
 *   yield* Effect.log("no call was made").pipe(budgets.at("acme").protect)
 *   return yield* budgets.states
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: BudgetOptions.Options): Effect.Effect<Budget, Configuration.InvalidConfiguration> =>
  Effect.withFiber((fiber) => {
    // keys are dropped by the time it is when room is needed
    const clock = Now.clockOf(fiber)
    return Keyed.makeFamily<Budget, BudgetOptions.Options, BudgetOptions.Settings>({
      subject: "Budget",
      options,
      decode: (options) => Effect.suspend(() => Effect.fromResult(BudgetOptions.decode("Budget", options))),
      build: (key, settings, family) => new KeyBudget(key, settings, family),
      isIdle: (budget) => isBudget(budget) && Allowance.isIdle(budget.allowance, Now.read(clock))
    })
  })

/**
 * The service, with these options for every key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: BudgetOptions.Options): Layer.Layer<Budget, Configuration.InvalidConfiguration> =>
  Layer.effect(Budget, make(options))

/**
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<BudgetOptions.Options>
): Layer.Layer<Budget, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(Budget, Effect.flatMap(unwrap(options), make))

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
export const within = (limits: BudgetOptions.Limits): Policy.Policy => {
  const limit = Result.getOrThrowWith(BudgetOptions.decodeLimits("Budget.within", limits), (invalid) => invalid)
  return spending(words(limit, Infinity), () => ({ allowance: Allowance.make(limit), owner: undefined }))
}
