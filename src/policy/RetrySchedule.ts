/**
 * Retry schedules with names: shapes with jitter and a cap, and what makes any
 * schedule obedient to `retryAfter` and blind to what cannot succeed.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Backoff from "../machine/Backoff.ts"
import * as Configuration from "./Configuration.ts"
import * as Verdict from "./Verdict.ts"

/**
 * How chance changes a delay: `full`, anything from zero up to it; `equal`, from
 * half of it up; `decorrelated`, from the base up to three times the delay before;
 * `none`, not at all.
 *
 * @category models
 * @since 0.1.0
 */
export type Jitter = Backoff.Rule["jitter"]

/**
 * The options of a schedule; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The first delay before jitter. */
  readonly base?: Duration.Input | undefined
  /** No delay is longer, jitter included. */
  readonly cap?: Duration.Input | undefined
  /** How many retries, from 0 up. */
  readonly times?: number | undefined
  /** How chance changes the delays. `decorrelated`, which grows by itself, is for `exponential` and a cap above the base. */
  readonly jitter?: Jitter | undefined
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
  times: 4,
  jitter: "full"
} as const satisfies Required<Options>

const isOneOf = <A extends string>(...names: ReadonlyArray<A>) =>
  Configuration.field(
    (value): value is A => names.some((name) => name === value),
    `it has to be ${names.map((name) => JSON.stringify(name)).join(" or ")}`
  )

const settingsWith = <J extends Jitter>(...jitters: ReadonlyArray<J>) =>
  Schema.Struct({
    base: Configuration.duration,
    cap: Configuration.duration,
    times: Configuration.integer(0),
    jitter: isOneOf(...jitters)
  })

const Settings = settingsWith("full", "equal", "none")

const ExponentialSettings = settingsWith("full", "equal", "decorrelated", "none").check(
  Schema.makeFilter(({ base, cap, jitter }) =>
    jitter !== "decorrelated" || cap > base || {
      path: ["cap"],
      issue: "it has to be longer than the base for jitter that is \"decorrelated\""
    }
  )
)

const Longest = Schema.Struct({ max: Configuration.durationOrZero })

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

/** What is known of a schedule before it runs. */
interface Bounds {
  readonly times: number
  /** The most that its delays add up to, in milliseconds, when none is taken for shorter than `atLeast`. */
  readonly total: (atLeast: number) => number
}

const known = new WeakMap<object, Bounds>()

const withBounds = <S extends object>(schedule: S, bounds: Bounds | undefined): S => {
  if (bounds !== undefined) known.set(schedule, bounds)
  return schedule
}

/**
 * How many retries a schedule makes at most, and how many milliseconds it waits
 * at most in all; `Infinity` for a schedule of which this is not known.
 *
 * @category getters
 * @since 0.1.0
 */
export const worstOf = (schedule: object, atLeast = 0): { readonly times: number; readonly delay: number } => {
  const bounds = known.get(schedule)
  return bounds === undefined
    ? { times: Infinity, delay: Infinity }
    : { times: bounds.times, delay: bounds.total(atLeast) }
}

const make = (times: number, rule: Backoff.Rule): Schedule.Schedule<number> => {
  const step = Effect.sync(() => {
    let row = Backoff.start
    const advance = Effect.withFiberSucceed((fiber): [number, Duration.Duration] => {
      row = Backoff.next(row, rule, rule.jitter === "none" ? 0 : fiber.getRef(Random.Random).nextDoubleUnsafe())
      return [row.count - 1, Duration.millis(row.delay)]
    })
    return () => row.count < times ? advance : Cause.done(row.count)
  })
  return withBounds(Schedule.fromStep(step), {
    times,
    total: (atLeast) => Backoff.longestTotal(rule, times, atLeast)
  })
}

const named = (shape: Backoff.Rule["shape"], options: Options | undefined): Schedule.Schedule<number> => {
  const { times, ...rule } = settle<typeof ExponentialSettings.Type>(
    `Retry.${shape}`,
    shape === "exponential" ? ExponentialSettings : Settings,
    options,
    defaults
  )
  return make(times, { shape, ...rule })
}

/**
 * The same delay each time, before jitter.
 *
 * Throws `InvalidConfiguration` on an option that cannot work.
 *
 * @category schedules
 * @since 0.1.0
 */
export const constant = (options?: Options): Schedule.Schedule<number> => named("constant", options)

/**
 * Delays that grow by the base each time, before jitter.
 *
 * Throws `InvalidConfiguration` on an option that cannot work.
 *
 * @category schedules
 * @since 0.1.0
 */
export const linear = (options?: Options): Schedule.Schedule<number> => named("linear", options)

/**
 * Exponential backoff: each delay is twice the one before, up to the cap. With
 * full jitter, the default, it is then chosen evenly between zero and that, so
 * that callers that failed together do not come back together.
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
export const exponential = (options?: Options): Schedule.Schedule<number> => named("exponential", options)

/**
 * Delays of which each is the sum of the two before, before jitter: they grow
 * more slowly than exponential ones.
 *
 * Throws `InvalidConfiguration` on an option that cannot work.
 *
 * @category schedules
 * @since 0.1.0
 */
export const fibonacci = (options?: Options): Schedule.Schedule<number> => named("fibonacci", options)

/**
 * Never retries before the failure's own `retryAfter`, however short the jitter
 * made the delay, and gives up at once when that is longer than `max` (default 20
 * seconds). It reads a `Duration`, as all errors of this library carry; anything
 * else under that name is left alone, for nobody knows its unit.
 *
 * Throws `InvalidConfiguration` on a `max` that is no duration.
 *
 * @category combinators
 * @since 0.1.0
 */
export const honorRetryAfter = (max: Duration.Input = defaults.cap) => {
  const longest = settle("Retry.honorRetryAfter", Longest, { max }, {}).max
  return <Output, Input, E, R>(
    self: Schedule.Schedule<Output, Input, E, R>
  ): Schedule.Schedule<Output, Input, E, R> => {
    const bounds = known.get(self)
    return withBounds(
      self.pipe(
        Schedule.modifyDelay(({ duration, input }) =>
          Effect.succeed(Duration.max(duration, Duration.millis(Math.ceil(Verdict.hintOf(input) ?? 0))))
        ),
        Schedule.while(({ input }) => (Verdict.hintOf(input) ?? 0) <= longest)
      ),
      bounds === undefined ? undefined : {
        times: bounds.times,
        total: (atLeast) => bounds.total(Math.max(atLeast, longest))
      }
    )
  }
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
): Schedule.Schedule<Output, Input, E, R> =>
  withBounds(Schedule.while(self, ({ input }) => Verdict.of(input).again), known.get(self))

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
export const none: Schedule.Schedule<number> = withBounds(Schedule.recurs(0), { times: 0, total: () => 0 })
