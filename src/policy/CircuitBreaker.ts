/**
 * Stops calling what keeps failing, and finds out carefully when it works again.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Circuit from "../machine/Circuit.ts"
import * as Attempt from "./Attempt.ts"
import * as Configuration from "./Configuration.ts"
import * as Keyed from "./Keyed.ts"
import * as Now from "./Now.ts"
import * as Rejection from "./Rejection.ts"
import * as Verdict from "./Verdict.ts"

/**
 * The call was not made: the circuit is open, its probes are out, or it is held
 * open by hand.
 *
 * @category errors
 * @since 0.1.0
 */
export class CircuitOpen extends Schema.TaggedError<CircuitOpen>()("CircuitOpen", {
  /** Which circuit. */
  key: Schema.String,
  reason: Schema.Literals(["Open", "ProbesOut", "Isolated"]),
  /** When a call may pass, exact to the millisecond; absent where nobody can know. */
  retryAfter: Schema.optionalKey(Schema.DurationFromMillis),
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return `circuit "${this.key}" ${reasons[this.reason]}${
      this.retryAfter === undefined ? "" : `, try again in ${Duration.format(this.retryAfter)}`
    }`
  }
}

const reasons = {
  Open: "is open",
  ProbesOut: "is half-open and all its probes are out",
  Isolated: "is held open by hand"
} as const

/**
 * When a closed circuit opens.
 *
 * @category models
 * @since 0.1.0
 */
export type TripPolicy =
  | { readonly _tag: "Consecutive"; readonly failures: number }
  | { readonly _tag: "FailureRate"; readonly rate: number; readonly evidence: number }

/**
 * Opens after this many failures in a row, from 1 up.
 *
 * Simple, and twitchy: under a steady 30% of background errors, five in a row
 * come up thousands of times a day.
 *
 * @category trip policies
 * @since 0.1.0
 */
export const consecutive = (failures: number): TripPolicy => ({ _tag: "Consecutive", failures })

/**
 * Opens once failures outweigh what the tolerated rate allows.
 *
 * `rate` (above 0, below 1, default 0.5) is the failure rate at which evidence
 * neither grows nor shrinks; `evidence` (1 up, default 13) is how many failures
 * on end it takes. It opens within 13 calls of an outage and stays closed under
 * a steady 30% of errors.
 *
 * Source: CUSUM, E. S. Page, Biometrika 41 (1954).
 *
 * @category trip policies
 * @since 0.1.0
 */
export const failureRate = (options?: {
  readonly rate?: number | undefined
  readonly evidence?: number | undefined
}): TripPolicy => ({ _tag: "FailureRate", rate: options?.rate ?? 0.5, evidence: options?.evidence ?? 13 })

/**
 * The options of a circuit breaker; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** When a closed circuit opens: `consecutive` or `failureRate`. */
  readonly tripPolicy?: TripPolicy | undefined
  /** A success that took longer counts as slow. Above zero; `"Infinity"` for never. */
  readonly slowCallDuration?: Duration.Input | undefined
  /** Share of slow calls tolerated, above 0 and below 1. */
  readonly slowCallRate?: number | undefined
  /** How many slow calls on end open the circuit, from 1 up. */
  readonly slowCallEvidence?: number | undefined
  /** Silence after which evidence starts to fade. */
  readonly forgetAfter?: Duration.Input | undefined
  /** How long the circuit stays open; doubled at each opening in close succession. */
  readonly openFor?: Duration.Input | undefined
  /** The longest it stays open, at least `openFor`. */
  readonly maxOpenFor?: Duration.Input | undefined
  /** Share of an open duration, 0 to 1, that chance may take off it. */
  readonly jitter?: number | undefined
  /** How many probes a half-open circuit lets out at a time, 1 to 1000. */
  readonly halfOpenProbes?: number | undefined
  /** How many good probes close it, 1 to 1000. */
  readonly successesToClose?: number | undefined
  /** How long a probe that does not return keeps its place. */
  readonly probeLease?: Duration.Input | undefined
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
  tripPolicy: failureRate(),
  slowCallDuration: "Infinity",
  slowCallRate: 0.5,
  slowCallEvidence: 13,
  forgetAfter: "15 seconds",
  openFor: "30 seconds",
  maxOpenFor: "2 minutes",
  jitter: 0.2,
  halfOpenProbes: 3,
  successesToClose: 3,
  probeLease: "1 minute",
  maxKeys: 10_000
} as const satisfies Required<Options>

const Settings = Schema.Struct({
  tripPolicy: Schema.Union([
    Schema.Struct({ _tag: Schema.Literal("Consecutive"), failures: Configuration.integer(1) }),
    Schema.Struct({
      _tag: Schema.Literal("FailureRate"),
      rate: Configuration.share("open"),
      evidence: Configuration.integer(1)
    })
  ]),
  slowCallDuration: Configuration.durationOrZero,
  slowCallRate: Configuration.share("open"),
  slowCallEvidence: Configuration.integer(1),
  forgetAfter: Configuration.duration,
  openFor: Configuration.duration,
  maxOpenFor: Configuration.duration,
  jitter: Configuration.share("closed"),
  halfOpenProbes: Configuration.integer(1, 1000),
  successesToClose: Configuration.integer(1, 1000),
  probeLease: Configuration.duration,
  maxKeys: Configuration.integer(1)
}).check(
  Schema.makeFilter(({ maxOpenFor, openFor }) =>
    openFor <= maxOpenFor || { path: ["maxOpenFor"], issue: "it has to be at least openFor" }
  )
)

/**
 * What a circuit shows of itself. Durations are milliseconds from now.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  key: Schema.String,
  state: Schema.Literals(["Closed", "Open", "HalfOpen", "Isolated"]),
  /** Bad calls held against a closed circuit, of the `evidence` that would open it. */
  suspicion: Schema.Number,
  /** Milliseconds until an open circuit lets a probe out. */
  retryAfter: Schema.optionalKey(Schema.Number),
  /** How often it opened since it was made. */
  openings: Schema.Int
})

/**
 * What a circuit shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

/**
 * A change of state, as told to whoever watches.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transition {
  readonly key: string
  readonly from: Circuit.Circuit["_tag"]
  readonly to: Circuit.Circuit["_tag"]
}

/**
 * A circuit breaker: one circuit for its own key, and one for every key of `at`.
 *
 * The `Unsafe` members decide synchronously at a given time; they are for code
 * that asks several policies in one step, as the relay does. Whoever takes a
 * ticket settles it, once.
 *
 * @category models
 * @since 0.1.0
 */
export interface CircuitBreaker {
  readonly key: string
  /** Runs an effect unless the circuit is open; an interrupted call is neutral. */
  readonly protect: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | CircuitOpen, R>
  readonly state: Effect.Effect<Snapshot>
  /** Holds the circuit open until `reset`. */
  readonly isolate: Effect.Effect<void>
  /** Closes the circuit and forgets. */
  readonly reset: Effect.Effect<void>
  /** The breaker of another key, with the same options. */
  readonly at: (key: string) => CircuitBreaker
  /** The breaker of another key, made anew with options of its own over the ones here. */
  readonly configure: (
    key: string,
    options: Options
  ) => Effect.Effect<CircuitBreaker, Configuration.InvalidConfiguration>
  readonly keys: Effect.Effect<ReadonlyArray<string>>
  /** Milliseconds above which a success counts as slow. */
  readonly slowCallDuration: number
  readonly admitUnsafe: (now: number) => Circuit.Ticket | CircuitOpen
  readonly settleUnsafe: (
    ticket: Circuit.Ticket,
    outcome: Circuit.Outcome,
    now: number,
    random: number
  ) => void
  readonly snapshotUnsafe: (now: number) => Snapshot
  /** Bad calls held against a closed circuit; 0 in every other state. */
  readonly suspicionUnsafe: (now: number) => number
  /** Calls back at each change of state, until the returned function is called. */
  readonly watchUnsafe: (listener: (transition: Transition) => void) => () => void
}

/**
 * The service that a relay, or your own code, asks for.
 *
 * @category services
 * @since 0.1.0
 */
export const CircuitBreaker: Context.Service<CircuitBreaker, CircuitBreaker> = Context.Service<CircuitBreaker>(
  "effect-relay/policy/CircuitBreaker"
)

const toRules = (settings: typeof Settings.Type): Circuit.Rules => ({
  trip: settings.tripPolicy._tag === "Consecutive" ? settings.tripPolicy : {
    _tag: "Evidence",
    rule: { rate: settings.tripPolicy.rate, limit: settings.tripPolicy.evidence, forgetAfter: settings.forgetAfter }
  },
  slow: { rate: settings.slowCallRate, limit: settings.slowCallEvidence, forgetAfter: settings.forgetAfter },
  openFor: settings.openFor,
  maxOpenFor: settings.maxOpenFor,
  jitter: settings.jitter,
  probes: settings.halfOpenProbes,
  successesToClose: settings.successesToClose,
  probeLease: settings.probeLease
})

const outcomeOf = (exit: Exit.Exit<unknown, unknown>, slow: boolean): Circuit.Outcome => {
  if (exit._tag === "Success") return slow ? "Slow" : "Success"
  if (Cause.hasInterrupts(exit.cause)) return "Ignored"
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  return failure === undefined ? "Failure" : Verdict.of(failure.error).breaker
}

interface Family {
  readonly registry: Keyed.Keyed<CircuitBreaker>
  readonly options: Options
  /** The latest time any circuit of the family was asked at. */
  now: number
}

const build = (key: string, settings: typeof Settings.Type, family: Family): CircuitBreaker => {
  const rules = toRules(settings)
  const listeners = new Set<(transition: Transition) => void>()
  let circuit: Circuit.Circuit = Circuit.closed(0)
  let openings = 0

  const move = (next: Circuit.Circuit): void => {
    const previous = circuit
    circuit = next
    if (next._tag === previous._tag) return
    if (next._tag === "Open") openings++
    for (const listener of listeners) listener({ key, from: previous._tag, to: next._tag })
  }

  const admitUnsafe = (now: number): Circuit.Ticket | CircuitOpen => {
    family.now = now
    const [verdict, next] = Circuit.admit(circuit, now, rules)
    if (next !== circuit) move(next)
    if (Circuit.isTicket(verdict)) return verdict
    return Rejection.make(
      CircuitOpen,
      verdict.retryAfter === undefined
        ? { key, reason: verdict.reason, attempts: Attempt.none }
        : {
          key,
          reason: verdict.reason,
          retryAfter: Duration.millis(Math.ceil(verdict.retryAfter)),
          attempts: Attempt.none
        }
    )
  }

  const settleUnsafe = (ticket: Circuit.Ticket, outcome: Circuit.Outcome, now: number, random: number) =>
    move(Circuit.settle(circuit, ticket, outcome, now, random, rules))

  const snapshotUnsafe = (now: number): Snapshot => ({
    key,
    state: Circuit.current(circuit, now),
    suspicion: Circuit.suspicion(circuit, now, rules),
    openings,
    ...(circuit._tag === "Open" && circuit.until > now ? { retryAfter: Math.ceil(circuit.until - now) } : {})
  })

  const protect = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | CircuitOpen, R> =>
    Effect.suspend(() => {
      let ticket: Circuit.Ticket | undefined
      let clock: Clock.Clock | undefined
      let random: Random.Random | undefined
      let startedAt = 0
      // the finalizer stands before the ticket is taken: no interrupt can fall between the two
      return Effect.onExitPrimitive(
        Effect.withFiber((fiber): Effect.Effect<A, E | CircuitOpen, R> => {
          clock = Now.clockOf(fiber)
          random = fiber.getRef(Random.Random)
          startedAt = Now.read(clock)
          const verdict = admitUnsafe(startedAt)
          if (verdict instanceof CircuitOpen) return Effect.fail(verdict)
          ticket = verdict
          return self
        }),
        (exit) => {
          if (ticket !== undefined) {
            const now = Now.read(clock!)
            const slow = now - startedAt > settings.slowCallDuration
            settleUnsafe(ticket, outcomeOf(exit, slow), now, random!.nextDoubleUnsafe())
          }
          return undefined
        }
      )
    })

  return {
    key,
    protect,
    state: Effect.withFiberSucceed((fiber) => snapshotUnsafe(Now.read(Now.clockOf(fiber)))),
    isolate: Effect.withFiberSucceed((fiber) => {
      move(Circuit.isolate(circuit, Now.read(Now.clockOf(fiber))))
    }),
    reset: Effect.withFiberSucceed((fiber) => {
      move(Circuit.reset(circuit, Now.read(Now.clockOf(fiber))))
    }),
    at: family.registry.at,
    configure: (other, overrides) =>
      Effect.map(decode({ ...family.options, ...overrides }), (settings) => {
        const breaker = build(other, settings, family)
        family.registry.set(other, breaker)
        return breaker
      }),
    keys: Effect.sync(family.registry.keys),
    slowCallDuration: settings.slowCallDuration,
    admitUnsafe,
    settleUnsafe,
    snapshotUnsafe,
    suspicionUnsafe: (now) => Circuit.suspicion(circuit, now, rules),
    watchUnsafe: (listener) => {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    }
  }
}

const decode = (options: Options | undefined) => Configuration.decode("CircuitBreaker", Settings, options, defaults)

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
export const make = (options?: Options): Effect.Effect<CircuitBreaker, Configuration.InvalidConfiguration> =>
  Effect.map(decode(options), (settings) => {
    const family: Family = {
      options: options ?? {},
      now: 0,
      registry: Keyed.make({
        create: (key): CircuitBreaker => build(key, settings, family),
        // evidence too is a verdict in the making
        isIdle: (breaker) => {
          const { state, suspicion } = breaker.snapshotUnsafe(family.now)
          return state === "Closed" && suspicion < 1
        },
        maxKeys: settings.maxKeys
      })
    }
    return family.registry.at("default")
  })

/**
 * The service, with these options for every key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<CircuitBreaker, Configuration.InvalidConfiguration> =>
  Layer.effect(CircuitBreaker, make(options))

/**
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<CircuitBreaker, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(CircuitBreaker, Effect.flatMap(Config.unwrap(options), make))
