/**
 * Ends a call that takes too long.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import { unwrap } from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Attempt from "./Attempt.ts"
import * as Configuration from "./Configuration.ts"
import * as Cutoff from "./Cutoff.ts"
import * as Now from "./Now.ts"
import * as Policy from "./Policy.ts"
import * as Rejection from "./Rejection.ts"

/**
 * The call took too long and was interrupted.
 *
 * @category errors
 * @since 0.1.0
 */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", {
  /** How long it was allowed to take. */
  duration: Schema.DurationFromMillis,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return `no answer within ${Duration.format(this.duration)}`
  }
}

/**
 * The options of a timeout; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How long a call may take. */
  readonly duration?: Duration.Input | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  duration: "30 seconds"
} as const satisfies Required<Options>

const Settings = Schema.Struct({ duration: Configuration.duration })

/**
 * A timeout.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timeout {
  readonly duration: Duration.Duration
  /**
   * Runs an effect for as long as it is allowed to take. Then it is interrupted,
   * and `TimedOut` comes out once its finalizers have run; one that cannot be
   * interrupted delays it. A caller's own interrupt stays an interrupt.
   *
   * The effect runs in a fiber of its own: what it forks with `forkChild` ends with it.
   */
  readonly protect: Policy.Policy<TimedOut>
}

/**
 * The service that your own code asks for.
 *
 * @category services
 * @since 0.1.0
 */
export const Timeout: Context.Service<Timeout, Timeout> = Context.Service<Timeout>("effect-relay/policy/Timeout")

const build = (millis: number): Timeout => {
  const duration = Duration.millis(millis)
  const timedOut = (): TimedOut => Rejection.make(TimedOut, { duration, attempts: Attempt.none })
  return {
    duration,
    protect: Policy.make(
      <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | TimedOut, R> =>
        Effect.withFiber((fiber) => {
          const clock = Now.clockOf(fiber)
          return Cutoff.run(self, fiber.context as Context.Context<R>, clock, Now.read(clock), millis, timedOut)
        }),
      () => ({ _tag: "Timeout", duration: millis })
    )
  }
}

/**
 * A timeout for code of your own. All calls that may take equally long share one
 * timer, and none is armed while no call is under way.
 *
 * Fails with `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Timeout } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const timeout = yield* Timeout.make({ duration: "10 millis" })
 *   return yield* Effect.never.pipe(
 *     Effect.onInterrupt(() => Effect.sync(() => console.log("let go of the connection"))),
 *     timeout.protect,
 *     Effect.catchTag("TimedOut", (late) => Effect.succeed(late.message))
 *   )
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: Options): Effect.Effect<Timeout, Configuration.InvalidConfiguration> =>
  Effect.map(
    Configuration.decode("Timeout", Settings, options, defaults),
    (settings) => build(settings.duration)
  )

/**
 * The service, with these options.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<Timeout, Configuration.InvalidConfiguration> =>
  Layer.effect(Timeout, make(options))

/**
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<Timeout, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(Timeout, Effect.flatMap(unwrap(options), make))
