/**
 * Stops calling what keeps failing, and finds out carefully when it works again.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CircuitBreakerOptions from "./CircuitBreakerOptions.ts"
import type * as CircuitHandle from "./CircuitHandle.ts"
import type * as CircuitSnapshot from "./CircuitSnapshot.ts"
import type * as CircuitWatch from "./CircuitWatch.ts"
import * as Classification from "./Classification.ts"
import type * as Configuration from "./Configuration.ts"
import * as Keyed from "./Keyed.ts"
import * as Now from "./Now.ts"
import * as WorkingCircuit from "./WorkingCircuit.ts"

export {
  /**
   * The options that hold where none is given.
   *
   * @category constants
   * @since 0.1.0
   */
  defaults,
  /**
   * Whether a breaker refuses calls, only observes them, or neither.
   *
   * @category models
   * @since 0.1.0
   */
  type Mode,
  /**
   * The options; see `defaults`.
   *
   * @category models
   * @since 0.1.0
   */
  type Options
} from "./CircuitBreakerOptions.ts"

export {
  /**
   * The error that `protect` adds.
   *
   * @category errors
   * @since 0.1.0
   */
  CircuitOpen
} from "./CircuitOpen.ts"

export {
  /**
   * A hold on an isolated circuit.
   *
   * @category models
   * @since 0.1.0
   */
  type Isolation
} from "./CircuitHandle.ts"

export {
  /**
   * What a circuit shows of itself.
   *
   * @category models
   * @since 0.1.0
   */
  Snapshot,
  /**
   * A change of state.
   *
   * @category models
   * @since 0.1.0
   */
  type Transition
} from "./CircuitSnapshot.ts"

export {
  /**
   * What `save` gives and `restore` takes.
   *
   * @category models
   * @since 0.1.0
   */
  Saved
} from "./SavedCircuit.ts"

export {
  /**
   * How the end of a call is read: by tag, error or result.
   *
   * @category models
   * @since 0.1.0
   */
  type Classification,
  /**
   * What the end of a call says of the one that was called.
   *
   * @category models
   * @since 0.1.0
   */
  type Outcome
} from "./Classification.ts"

export {
  /**
   * Opens when all of the rules would.
   *
   * @category combinators
   * @since 0.1.0
   */
  and,
  /**
   * Opens after so many failures in a row.
   *
   * @category trip policies
   * @since 0.1.0
   */
  consecutive,
  /**
   * Opens when a share of the last calls failed.
   *
   * @category trip policies
   * @since 0.1.0
   */
  countWindow,
  /**
   * A rule of your own.
   *
   * @category trip policies
   * @since 0.1.0
   */
  custom,
  /**
   * Opens once failures outweigh what a tolerated rate allows.
   *
   * @category trip policies
   * @since 0.1.0
   */
  failureRate,
  /**
   * What a rule of your own is asked with.
   *
   * @category models
   * @since 0.1.0
   */
  type Health,
  /**
   * Holds from so many calls in the window on.
   *
   * @category trip policies
   * @since 0.1.0
   */
  minimumCalls,
  /**
   * Opens when any of the rules would.
   *
   * @category combinators
   * @since 0.1.0
   */
  or,
  /**
   * Opens when a share of the calls of the window were slow.
   *
   * @category trip policies
   * @since 0.1.0
   */
  slowCallRate,
  /**
   * Opens when a share of the calls of the window failed.
   *
   * @category trip policies
   * @since 0.1.0
   */
  timeWindow,
  /**
   * When a closed circuit opens.
   *
   * @category models
   * @since 0.1.0
   */
  type TripPolicy
} from "./TripPolicy.ts"

/**
 * A circuit breaker: one circuit for its own key, and one for every key of `at`.
 *
 * @category models
 * @since 0.1.0
 */
export interface CircuitBreaker extends CircuitHandle.CircuitHandle {}

/**
 * The service that a relay, or your own code, asks for.
 *
 * @category services
 * @since 0.1.0
 */
export const CircuitBreaker: Context.Service<CircuitBreaker, CircuitBreaker> = Context.Service<CircuitBreaker>(
  "effect-relay/policy/CircuitBreaker"
)

const decode = (options: CircuitBreakerOptions.Options | undefined) =>
  Effect.map(CircuitBreakerOptions.decode(options), (settings): WorkingCircuit.Blueprint => ({
    maxKeys: settings.maxKeys,
    settings,
    rules: CircuitBreakerOptions.toRules(settings),
    classification: settings.classify === "standard" ? Classification.standard : settings.classify
  }))

/**
 * A circuit breaker for code of your own.
 *
 * Fails with `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { CircuitBreaker } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const breaker = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(2), openFor: "10 seconds" })
 *   const call = Effect.fail("down").pipe(breaker.protect)
 *   yield* Effect.ignore(call)
 *   yield* Effect.ignore(call)
 *   return yield* call.pipe(Effect.catchTag("CircuitOpen", (open) => Effect.succeed(open.message)))
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options?: CircuitBreakerOptions.Options
): Effect.Effect<CircuitBreaker, Configuration.InvalidConfiguration> =>
  Effect.withFiber((fiber) => {
    const clock = fiber.getRef(Clock.Clock)
    const all: CircuitWatch.Listeners = new Set()
    return Keyed.makeFamily<
      CircuitHandle.CircuitHandle,
      CircuitBreakerOptions.Options,
      WorkingCircuit.Blueprint,
      CircuitSnapshot.Snapshot
    >({
      subject: "CircuitBreaker",
      options,
      decode,
      build: (key, plan, family) => WorkingCircuit.make(key, plan, family, all),
      isIdle: (breaker) => breaker.isIdleUnsafe(Now.read(clock))
    })
  })

/**
 * The service, with these options for every key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options?: CircuitBreakerOptions.Options
): Layer.Layer<CircuitBreaker, Configuration.InvalidConfiguration> => Layer.effect(CircuitBreaker, make(options))

/**
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<CircuitBreakerOptions.Options>
): Layer.Layer<CircuitBreaker, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(CircuitBreaker, Effect.flatMap(Config.unwrap(options), make))
