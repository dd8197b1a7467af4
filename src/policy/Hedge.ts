/**
 * Sends a second copy of a call that takes longer than it should, and takes
 * whichever answer comes first.
 *
 * A hedge works against slow answers, not against failures: a call that fails
 * before its second copy began has failed. And it works only where the slowness
 * of one copy says nothing about the other's.
 *
 * Source: J. Dean and L. A. Barroso, "The Tail at Scale", CACM 56 (2013);
 * Finagle's BackupRequestFilter.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import { unwrap } from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Patience from "../machine/Patience.ts"
import * as Authority from "./Authority.ts"
import type * as Configuration from "./Configuration.ts"
import * as Copies from "./Copies.ts"
import * as Deadline from "./Deadline.ts"
import * as HedgeOptions from "./HedgeOptions.ts"
import * as Idempotent from "./Idempotent.ts"
import * as Keyed from "./Keyed.ts"
import * as Now from "./Now.ts"
import * as Policy from "./Policy.ts"

export {
  /**
   * The options that hold where none is given.
   *
   * @category constants
   * @since 0.1.0
   */
  defaults,
  /**
   * A delay that follows the latency of the calls.
   *
   * @category delays
   * @since 0.1.0
   */
  quantile
} from "./HedgeOptions.ts"

export type {
  /**
   * Something that pays for extra calls.
   *
   * @category models
   * @since 0.1.0
   */
  Budget,
  /**
   * The options of a hedge; see `defaults`.
   *
   * @category models
   * @since 0.1.0
   */
  Options
} from "./HedgeOptions.ts"

/**
 * What a hedge shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  key: Schema.String,
  /** Milliseconds until a second copy begins; none while that is not known. */
  delay: Schema.optionalKey(Schema.Number),
  /** Extra copies begun so far … */
  extra: Schema.Int,
  /** … and how many of them had the answer. */
  won: Schema.Int,
  /** How many more there could be at once. */
  credit: Schema.Number,
  burst: Schema.Int
})

/**
 * What a hedge shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

/**
 * A hedge for its own key, and one for every key of `at`: a dependency has its
 * own latency, and its own budget.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hedge extends Keyed.Family<Hedge, HedgeOptions.Options, Snapshot> {
  readonly key: string
  /**
   * Runs a call that is marked idempotent, and another copy of it after each
   * delay that passes without an answer, while credit and deadline allow. The
   * first success is the answer. What comes out when all copies fail is the
   * failure of the first, unless another died of a defect.
   *
   * Copies that lost are interrupted, and their finalizers have run before the
   * answer comes out; so has every copy when the call is interrupted. A call
   * that is not marked runs as it is.
   *
   * Inside a relayed call, further copies are taken from that call's attempts
   * and paid from its budget, instead of the one in the options.
   */
  readonly protect: Policy.Policy
  /**
   * The same for copies that are not alike, marked or not: `copy` is asked for
   * each by its number, from 0. `budget` says in the step in which one more
   * would begin whether it may, beside what the hedge itself can afford.
   */
  readonly race: <A, E, R>(
    copy: (index: number) => Effect.Effect<A, E, R>,
    budget: HedgeOptions.Budget
  ) => Effect.Effect<A, E, R>
  readonly state: Effect.Effect<Snapshot>
  /** Forgets the latencies and fills up the credit. */
  readonly reset: Effect.Effect<void>
  readonly snapshotUnsafe: () => Snapshot
}

/**
 * The service that your code asks for.
 *
 * @category services
 * @since 0.1.0
 */
export const Hedge: Context.Service<Hedge, Hedge> = Context.Service<Hedge>("effect-relay/policy/Hedge")

const build = (
  key: string,
  settings: HedgeOptions.Settings,
  family: Keyed.Family<Hedge, HedgeOptions.Options, Snapshot>
): Hedge => {
  const { budget, burst, maxCopies, maxExtraLoad } = settings
  const rule = HedgeOptions.toRule(settings)
  let patience = Patience.make(rule)
  let credit = burst
  let extra = 0
  let won = 0

  const withdraw = (now: number, budget: HedgeOptions.Budget | undefined): boolean => {
    if (credit < 1 || budget?.withdrawUnsafe(now) === false) return false
    credit--
    extra++
    return true
  }

  const settle = (exit: Exit.Exit<unknown, unknown>, startedAt: number, now: number): void => {
    if (exit._tag === "Failure") return
    credit = Math.min(burst, credit + maxExtraLoad)
    Patience.observe(patience, now - startedAt, now)
  }

  const run = <A, E, R>(
    copy: (index: number) => Effect.Effect<A, E, R>,
    budget: HedgeOptions.Budget | undefined,
    parent: Fiber.Fiber<unknown, unknown>
  ): Effect.Effect<A, E, R> => {
    const clock = Now.clockOf(parent)
    const startedAt = Now.read(clock)
    const delay = Patience.delay(patience, startedAt, rule)
    const canEnd = (now: number, wait: number): boolean => Deadline.leftUnsafe(parent, now) >= wait + patience.expected
    if (delay === Infinity || !canEnd(startedAt, delay)) {
      return Effect.onExitPrimitive(copy(0), (exit) => {
        settle(exit, startedAt, Now.read(clock))
        return undefined
      })
    }

    return Copies.run(
      parent,
      {
        copy,
        maxCopies,
        delay,
        mayBegin: () => {
          const now = Now.read(clock)
          return canEnd(now, 0) && withdraw(now, budget)
        },
        onWon: () => {
          won++
        }
      },
      (exit) => settle(exit, startedAt, Now.read(clock))
    )
  }

  const snapshotUnsafe = (): Snapshot => ({
    key,
    ...(patience.delay === Infinity ? {} : { delay: patience.delay }),
    extra,
    won,
    credit,
    burst
  })

  return {
    ...family,
    key,
    protect: Policy.make(
      <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
        Effect.withFiber((fiber) =>
          fiber.getRef(Idempotent.CurrentIdempotent)
            ? run(() => self, Authority.ofUnsafe(fiber) ?? budget, fiber)
            : self
        ),
      () => ({
        _tag: "Hedge",
        maxCopies,
        delay: patience.delay,
        quantile: rule._tag === "Quantile" ? rule.quantile : undefined
      })
    ),
    race: (copy, budget) => Effect.withFiber((fiber) => run(copy, budget, fiber)),
    state: Effect.sync(snapshotUnsafe),
    reset: Effect.sync(() => {
      patience = Patience.make(rule)
      credit = burst
    }),
    snapshotUnsafe
  }
}

/**
 * A hedge for code of your own.
 *
 * Fails with `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Hedge, Idempotent } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const hedge = yield* Hedge.make({ delay: "10 millis" })
 *   let calls = 0
 *   // the first call hangs, as one in a thousand does
 *   const read = Effect.suspend(() => ++calls === 1 ? Effect.never : Effect.succeed("answered"))
 *   const answer = yield* read.pipe(hedge.protect, Idempotent.mark)
 *   return [answer, yield* hedge.state]
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: HedgeOptions.Options): Effect.Effect<Hedge, Configuration.InvalidConfiguration> =>
  Keyed.makeFamily<Hedge, HedgeOptions.Options, HedgeOptions.Settings>({
    subject: "Hedge",
    options,
    decode: HedgeOptions.decode,
    build,
    // credit that was spent is a verdict: a new hedge would spend it again
    isIdle: (hedge) => {
      const { burst, credit } = hedge.snapshotUnsafe()
      return credit >= burst
    }
  })

/**
 * The service, with these options for every key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: HedgeOptions.Options): Layer.Layer<Hedge, Configuration.InvalidConfiguration> =>
  Layer.effect(Hedge, make(options))

/**
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<HedgeOptions.Options>
): Layer.Layer<Hedge, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(Hedge, Effect.flatMap(unwrap(options), make))
