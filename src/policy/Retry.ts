/**
 * Retry schedules with names: exponential with jitter, capped, and obedient to
 * `retryAfter`.
 *
 * They are Effect's own `Schedule`s: use them in `Effect.retry`, give them to a
 * relay, or compose them further.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Configuration from "./Configuration.ts"
import * as Verdict from "./Verdict.ts"

/**
 * The options of `exponential`; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The first delay before jitter; it doubles each time. */
  readonly base?: Duration.Input | undefined
  /** No delay is longer, jitter included. */
  readonly cap?: Duration.Input | undefined
  /** How many retries, from 0 up. */
  readonly times?: number | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  base: "100 millis",
  cap: "20 seconds",
  times: 4
} as const satisfies Required<Options>

const Settings = Schema.Struct({
  base: Configuration.duration,
  cap: Configuration.duration,
  times: Configuration.integer(0)
})

const Longest = Schema.Struct({ max: Configuration.durationOrZero })

/**
 * Exponential backoff with full jitter: each delay is chosen evenly between zero
 * and the capped exponential, so that callers that failed together do not come
 * back together.
 *
 * Throws `InvalidConfiguration` on an option that cannot work.
 *
 * Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog (2015).
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Retry } from "effect-relay"
 *
 * let calls = 0
 * const flaky = Effect.suspend(() => ++calls < 3 ? Effect.fail("not yet") : Effect.succeed("answered"))
 *
 * const program = Effect.retry(flaky, Retry.exponential({ base: "10 millis", cap: "1 second", times: 5 }))
 *
 * Effect.runPromise(program).then((answer) => console.log(answer, "after", calls, "calls"))
 * ```
 *
 * @category schedules
 * @since 0.1.0
 */
export const exponential = (options?: Options): Schedule.Schedule<number> => {
  const { base, cap, times } = settle("Retry.exponential", Settings, options, defaults)
  return Schedule.recurs(times).pipe(
    Schedule.modifyDelay(({ attempt }) =>
      Effect.map(Random.next, (random) => Duration.millis(Math.min(cap, base * 2 ** (attempt - 1)) * random))
    )
  )
}

// a schedule is a value, not an effect: what it cannot be made from is thrown
const settle = <A>(
  subject: string,
  schema: Schema.Codec<A, unknown>,
  options: object | undefined,
  defaults: object
): A =>
  Result.getOrThrowWith(
    Configuration.decodeResult(subject, schema, options, defaults),
    (invalid) => invalid
  )

const hintOf = (error: unknown): Duration.Duration | undefined => {
  const hint = typeof error === "object" && error !== null && "retryAfter" in error ? error.retryAfter : undefined
  return Duration.isDuration(hint) ? hint : undefined
}

/**
 * Never retries before the failure's own `retryAfter`, and gives up at once when
 * that is longer than `max` (default 20 seconds). Throws `InvalidConfiguration`
 * on a `max` that is no duration.
 *
 * @category combinators
 * @since 0.1.0
 */
export const honorRetryAfter = (max: Duration.Input = defaults.cap) => {
  const longest = Duration.millis(settle("Retry.honorRetryAfter", Longest, { max }, {}).max)
  return <Output, Input, E, R>(self: Schedule.Schedule<Output, Input, E, R>): Schedule.Schedule<Output, Input, E, R> =>
    self.pipe(
      Schedule.modifyDelay(({ duration, input }) =>
        Effect.succeed(Duration.max(duration, hintOf(input) ?? Duration.zero))
      ),
      Schedule.while(({ input }) => Duration.isLessThanOrEqualTo(hintOf(input) ?? Duration.zero, longest))
    )
}

/**
 * Retries only what may succeed on the same target later: not an open circuit,
 * not a used-up quota, not a request that was refused for what it says.
 *
 * @category combinators
 * @since 0.1.0
 */
export const onlyRetryable = <Output, Input, E, R>(
  self: Schedule.Schedule<Output, Input, E, R>
): Schedule.Schedule<Output, Input, E, R> => Schedule.while(self, ({ input }) => Verdict.of(input).again)

/**
 * What most callers want: four retries, exponential with full jitter from 100
 * milliseconds, capped at 20 seconds, `retryAfter` honoured up to the same cap,
 * and nothing retried that cannot succeed.
 *
 * @category schedules
 * @since 0.1.0
 */
export const standard: Schedule.Schedule<number> = exponential().pipe(honorRetryAfter(), onlyRetryable)

/**
 * No retry at all.
 *
 * @category schedules
 * @since 0.1.0
 */
export const none: Schedule.Schedule<number> = Schedule.recurs(0)
