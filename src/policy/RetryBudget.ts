/**
 * What retries, and hedges, are paid from: successes. When nothing succeeds any
 * more, retries end by themselves instead of keeping a service down.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import { unwrap } from "effect/Config"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Machine from "../machine/RetryBudget.ts"
import * as Configuration from "./Configuration.ts"
import * as Keyed from "./Keyed.ts"
import * as Now from "./Now.ts"

/**
 * The options of a retry budget; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Retries that one success pays for, from 0 up, to the millionth: with 0.1 ten successes pay for one. */
  readonly ratio?: number | undefined
  /** How long what successes paid in can be spent; it may be gone up to a tenth earlier. */
  readonly ttl?: Duration.Input | undefined
  /** Retries a second that need no success, from 0 up. Unused ones add up to those of one `ttl`. */
  readonly reserve?: number | undefined
  /** The most retries that successes can have paid for in advance, 0 to 1e9. */
  readonly capacity?: number | undefined
  /** How many keys `at` remembers, from 1 up. */
  readonly maxKeys?: number | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  ratio: 0.1,
  ttl: "10 seconds",
  reserve: 1,
  capacity: 100,
  maxKeys: 10_000
} as const satisfies Required<Options>

const Settings = Schema.Struct({
  ratio: Configuration.atLeast(0),
  ttl: Configuration.duration,
  reserve: Configuration.atLeast(0),
  capacity: Configuration.integer(0, 1e9),
  maxKeys: Configuration.integer(1)
})

/**
 * What a retry budget shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  key: Schema.String,
  /** Retries that successes have paid for. */
  deposits: Schema.Number,
  /** Retries that the reserve can pay for. */
  reserve: Schema.Number
})

/**
 * What a retry budget shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

/**
 * A retry budget for its own key, and one for every key of `at`.
 *
 * Give the same one to all that put load on the same service: `Retry.make` and
 * hedges take it as an option. `now` is on the scale of `Now.read`.
 *
 * @category models
 * @since 0.1.0
 */
export interface RetryBudget extends Keyed.Family<RetryBudget, Options, Snapshot> {
  readonly key: string
  /** Pays in for a success. */
  readonly deposit: Effect.Effect<void>
  /** Pays for a retry; `false` when it cannot. */
  readonly withdraw: Effect.Effect<boolean>
  /** Gives back what was paid for a retry that did not begin. */
  readonly refund: Effect.Effect<void>
  readonly state: Effect.Effect<Snapshot>
  /** Forgets what was paid in and spent. */
  readonly reset: Effect.Effect<void>
  readonly depositUnsafe: (now: number) => void
  readonly withdrawUnsafe: (now: number) => boolean
  readonly refundUnsafe: (now: number) => void
  readonly snapshotUnsafe: (now: number) => Snapshot
  /** Whether none of the reserve is missing. */
  readonly isRestedUnsafe: (now: number) => boolean
}

/**
 * The service that your own code asks for.
 *
 * @category services
 * @since 0.1.0
 */
export const RetryBudget: Context.Service<RetryBudget, RetryBudget> = Context.Service<RetryBudget>(
  "effect-relay/policy/RetryBudget"
)

/** The latest time any budget of the family was asked at. */
interface Latest {
  now: number
}

const build = (
  key: string,
  settings: typeof Settings.Type,
  family: Keyed.Family<RetryBudget, Options, Snapshot>,
  latest: Latest
): RetryBudget => {
  let budget = Machine.make(settings)

  const depositUnsafe = (now: number): void => Machine.deposit(budget, latest.now = now)
  const withdrawUnsafe = (now: number): boolean => Machine.withdraw(budget, latest.now = now)
  const refundUnsafe = (now: number): void => Machine.refund(budget, latest.now = now)
  const snapshotUnsafe = (now: number): Snapshot => ({ key, ...Machine.balance(budget, now) })

  const at = <A>(act: (now: number) => A): Effect.Effect<A> =>
    Effect.withFiberSucceed((fiber) => act(Now.read(Now.clockOf(fiber))))

  return {
    ...family,
    key,
    deposit: at(depositUnsafe),
    withdraw: at(withdrawUnsafe),
    refund: at(refundUnsafe),
    state: at(snapshotUnsafe),
    reset: Effect.sync(() => {
      budget = Machine.make(settings)
    }),
    depositUnsafe,
    withdrawUnsafe,
    refundUnsafe,
    snapshotUnsafe,
    isRestedUnsafe: (now) => Machine.isRested(budget, now)
  }
}

/**
 * A retry budget for code of your own.
 *
 * Fails with `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Retry, RetryBudget } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   // two retries in advance, and none after that as long as nothing succeeds
 *   const budget = yield* RetryBudget.make({ ttl: "2 seconds", reserve: 1 })
 *   const retry = yield* Retry.make({ schedule: Retry.constant({ base: "1 milli" }), budget })
 *
 *   let calls = 0
 *   const down = Effect.suspend(() => Effect.fail(`call ${++calls} failed`))
 *   return yield* Effect.flip(down.pipe(retry.protect))
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: Options): Effect.Effect<RetryBudget, Configuration.InvalidConfiguration> =>
  Effect.suspend(() => {
    const latest: Latest = { now: -Infinity }
    return Keyed.makeFamily<RetryBudget, Options, typeof Settings.Type>({
      subject: "RetryBudget",
      options,
      decode: (options) => Configuration.decode("RetryBudget", Settings, options, defaults),
      build: (key, settings, family) => build(key, settings, family, latest),
      // one that was spent is kept until its reserve is full again: a key made anew would be richer
      isIdle: (budget) => budget.isRestedUnsafe(latest.now)
    })
  })

/**
 * The service, with these options for every key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<RetryBudget, Configuration.InvalidConfiguration> =>
  Layer.effect(RetryBudget, make(options))

/**
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<RetryBudget, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(RetryBudget, Effect.flatMap(unwrap(options), make))
