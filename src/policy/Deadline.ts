/**
 * The time by which a call has to have ended, known to everything it passes.
 *
 * What runs under a deadline begins no attempt and no wait that cannot end in
 * time: retries, relays and deadlines further in look at it and never outlast it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Attempt from "./Attempt.ts"
import * as Configuration from "./Configuration.ts"
import * as Cutoff from "./Cutoff.ts"
import { DeadlineExceeded } from "./DeadlineExceeded.ts"
import * as Now from "./Now.ts"
import * as Policy from "./Policy.ts"
import * as Rejection from "./Rejection.ts"

export {
  /**
   * The error of a call whose time is up.
   *
   * @category errors
   * @since 0.1.0
   */
  DeadlineExceeded
} from "./DeadlineExceeded.ts"

/**
 * The deadline of the running fiber: milliseconds on the scale of `Now.read`,
 * `Infinity` where there is none.
 *
 * @category references
 * @since 0.1.0
 */
export const CurrentDeadline: Context.Reference<number> = Context.Reference<number>(
  "effect-relay/policy/Deadline",
  { defaultValue: () => Infinity }
)

/**
 * Milliseconds that a fiber has left at `now`; `Infinity` without a deadline,
 * zero or less once it has passed.
 *
 * @category getters
 * @since 0.1.0
 */
export const leftUnsafe = (fiber: Fiber.Fiber<unknown, unknown>, now: number): number =>
  fiber.getRef(CurrentDeadline) - now

/**
 * How long the running fiber has left: zero once its deadline has passed,
 * `Duration.infinity` without one.
 *
 * @category getters
 * @since 0.1.0
 */
export const left: Effect.Effect<Duration.Duration> = Effect.withFiberSucceed((fiber) =>
  Duration.millis(Math.max(0, leftUnsafe(fiber, Now.read(Now.clockOf(fiber)))))
)

const Settings = Schema.Struct({ duration: Configuration.anyDuration })

const exceeded = (millis: number): DeadlineExceeded =>
  Rejection.make(DeadlineExceeded, { deadline: Duration.millis(millis), attempts: Attempt.none })

/**
 * Gives an effect so long. Then it is interrupted, and `DeadlineExceeded` comes
 * out once its finalizers have run. A deadline inside another only shortens it.
 * Nothing starts where no time is left; an endless duration sets no deadline.
 *
 * The effect runs in a fiber of its own: what it forks with `forkChild` ends
 * with it. Throws `InvalidConfiguration` on what is no duration.
 *
 * ```ts
 * import { Duration, Effect } from "effect"
 * import { Deadline } from "effect-relay"
 *
 * const step = Effect.sleep("20 millis").pipe(
 *   Effect.andThen(Deadline.left),
 *   Effect.tap((left) => Effect.sync(() => console.log("less than", Duration.format(left), "left")))
 * )
 *
 * const program = Effect.forever(step).pipe(
 *   Deadline.within("50 millis"),
 *   Effect.catchTag("DeadlineExceeded", () => Effect.succeed("time is up"))
 * )
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const within = (duration: Duration.Input): Policy.Policy<DeadlineExceeded> =>
  build(
    Result.getOrThrowWith(
      Configuration.decodeResult("Deadline.within", Settings, { duration }, {}),
      (invalid) => invalid
    ).duration
  )

/**
 * The options of a deadline.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How long a call has; zero or less leaves it no time, an endless one sets no deadline. */
  readonly duration: Duration.Input
}

/**
 * As `within`, but what is no duration fails with `InvalidConfiguration`: for a
 * duration that comes from elsewhere.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options
): Effect.Effect<{ readonly protect: Policy.Policy<DeadlineExceeded> }, Configuration.InvalidConfiguration> =>
  Effect.map(
    Configuration.decode("Deadline", Settings, options, {}),
    ({ duration }) => ({ protect: build(duration) })
  )

const build = (millis: number): Policy.Policy<DeadlineExceeded> =>
  Policy.make(
    <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | DeadlineExceeded, R> =>
      Effect.withFiber((fiber): Effect.Effect<A, E | DeadlineExceeded, R> => {
        const clock = Now.clockOf(fiber)
        const now = Now.read(clock)
        const left = leftUnsafe(fiber, now)
        const time = Math.min(left, millis)
        if (time <= 0) return Effect.fail(exceeded(0))
        if (time === Infinity) return self
        const context = fiber.context as Context.Context<R>
        return Cutoff.run(
          self,
          left <= millis ? context : Context.add(context, CurrentDeadline, now + millis),
          clock,
          now,
          time,
          () => exceeded(time)
        )
      }),
    () => ({ _tag: "Deadline", duration: Math.max(0, millis) })
  )
