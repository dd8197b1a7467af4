/**
 * Bounds how many calls run at once, so that one slow dependency cannot take
 * every fiber, socket and byte of the program with it.
 *
 * Source: M. Nygard, "Release It!" (2007).
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import { unwrap } from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as BulkheadHandle from "./BulkheadHandle.ts"
import * as BulkheadOptions from "./BulkheadOptions.ts"
import type * as BulkheadSnapshot from "./BulkheadSnapshot.ts"
import type * as Configuration from "./Configuration.ts"
import * as Keyed from "./Keyed.ts"

export {
  /**
   * How a bulkhead learns its limit.
   *
   * @category adaptive limits
   * @since 0.1.0
   */
  type AdaptiveLimit,
  /**
   * One more for every limit's worth of successes, a share less at a drop.
   *
   * @category adaptive limits
   * @since 0.1.0
   */
  aimd,
  /**
   * Follows the ratio of the usual time of a call to the time it takes now.
   *
   * @category adaptive limits
   * @since 0.1.0
   */
  gradient2,
  /**
   * Whether a failure speaks of overload.
   *
   * @category guards
   * @since 0.1.0
   */
  isOverload,
  /**
   * Keeps a few calls waiting at the other side.
   *
   * @category adaptive limits
   * @since 0.1.0
   */
  vegas
} from "./AdaptiveLimit.ts"

export {
  /**
   * The error that `protect` adds.
   *
   * @category errors
   * @since 0.1.0
   */
  BulkheadFull
} from "./BulkheadFull.ts"

export {
  /**
   * The options that hold where none is given.
   *
   * @category constants
   * @since 0.1.0
   */
  defaults,
  /**
   * The options; see `defaults`.
   *
   * @category models
   * @since 0.1.0
   */
  type Options
} from "./BulkheadOptions.ts"

export {
  /**
   * What a bulkhead shows of itself.
   *
   * @category models
   * @since 0.1.0
   */
  Snapshot
} from "./BulkheadSnapshot.ts"

export {
  /**
   * What one call asks for.
   *
   * @category models
   * @since 0.1.0
   */
  type Demand,
  /**
   * How much a call matters beside the others that wait.
   *
   * @category models
   * @since 0.1.0
   */
  type Priority
} from "./Demand.ts"

/**
 * A bulkhead: one for its own key, and one for every key of `at`.
 *
 * @category models
 * @since 0.1.0
 */
export type Bulkhead = BulkheadHandle.BulkheadHandle

/**
 * The service that a relay, or your own code, asks for.
 *
 * @category services
 * @since 0.1.0
 */
export const Bulkhead: Context.Service<Bulkhead, Bulkhead> = Context.Service<Bulkhead>(
  "effect-relay/policy/Bulkhead"
)

/**
 * A bulkhead for code of your own.
 *
 * Fails with `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Bulkhead } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const bulkhead = yield* Bulkhead.make({ maxConcurrent: 2, maxQueued: 0 })
 *   const call = Effect.as(Effect.sleep("20 millis"), "done").pipe(
 *     bulkhead.protect,
 *     Effect.catchTag("BulkheadFull", (full) => Effect.succeed(full.message))
 *   )
 *   return yield* Effect.all([call, call, call], { concurrency: "unbounded" })
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options?: BulkheadOptions.Options
): Effect.Effect<Bulkhead, Configuration.InvalidConfiguration> =>
  Keyed.makeFamily<Bulkhead, BulkheadOptions.Options, BulkheadOptions.Settings, BulkheadSnapshot.Snapshot>({
    subject: "Bulkhead",
    options,
    decode: BulkheadOptions.decode,
    build: BulkheadHandle.make,
    isIdle: (bulkhead) => bulkhead.isIdleUnsafe()
  })

/**
 * The service, with these options for every key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: BulkheadOptions.Options): Layer.Layer<Bulkhead, Configuration.InvalidConfiguration> =>
  Layer.effect(Bulkhead, make(options))

/**
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<BulkheadOptions.Options>
): Layer.Layer<Bulkhead, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(Bulkhead, Effect.flatMap(unwrap(options), make))
