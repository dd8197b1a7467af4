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
import * as CircuitBreakerOptions from "./CircuitBreakerOptions.ts"
import { CircuitOpen } from "./CircuitOpen.ts"
import type * as Configuration from "./Configuration.ts"
import * as Keyed from "./Keyed.ts"
import * as Now from "./Now.ts"
import * as Rejection from "./Rejection.ts"
import * as Verdict from "./Verdict.ts"

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
   * Opens after so many failures in a row.
   *
   * @category trip policies
   * @since 0.1.0
   */
  consecutive,
  /**
   * Opens once failures outweigh what a tolerated rate allows.
   *
   * @category trip policies
   * @since 0.1.0
   */
  failureRate,
  /**
   * When a closed circuit opens.
   *
   * @category models
   * @since 0.1.0
   */
  type TripPolicy
} from "./TripPolicy.ts"

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
export interface CircuitBreaker extends Keyed.Family<CircuitBreaker, CircuitBreakerOptions.Options, Snapshot> {
  readonly key: string
  /** Runs an effect unless the circuit is open; an interrupted call is neutral. */
  readonly protect: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | CircuitOpen, R>
  readonly state: Effect.Effect<Snapshot>
  /** Holds the circuit open until `reset`. */
  readonly isolate: Effect.Effect<void>
  /** Closes the circuit and forgets. */
  readonly reset: Effect.Effect<void>
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

const outcomeOf = (exit: Exit.Exit<unknown, unknown>, slow: boolean): Circuit.Outcome => {
  if (exit._tag === "Success") return slow ? "Slow" : "Success"
  // a failure counts even where it interrupted siblings on its way
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  if (failure !== undefined) return Verdict.of(failure.error).breaker
  return Cause.hasInterrupts(exit.cause) ? "Ignored" : "Failure"
}

/** The latest time any circuit of the family was asked at. */
interface Latest {
  now: number
}

const build = (
  key: string,
  settings: CircuitBreakerOptions.Settings,
  family: Keyed.Family<CircuitBreaker, CircuitBreakerOptions.Options, Snapshot>,
  latest: Latest
): CircuitBreaker => {
  const rules = CircuitBreakerOptions.toRules(settings)
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
    latest.now = now
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
    ...family,
    key,
    protect,
    state: Effect.withFiberSucceed((fiber) => snapshotUnsafe(Now.read(Now.clockOf(fiber)))),
    isolate: Effect.withFiberSucceed((fiber) => {
      move(Circuit.isolate(circuit, Now.read(Now.clockOf(fiber))))
    }),
    reset: Effect.withFiberSucceed((fiber) => {
      move(Circuit.reset(circuit, Now.read(Now.clockOf(fiber))))
    }),
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
  Effect.suspend(() => {
    const latest: Latest = { now: 0 }
    return Keyed.makeFamily<CircuitBreaker, CircuitBreakerOptions.Options, CircuitBreakerOptions.Settings>({
      subject: "CircuitBreaker",
      options,
      decode: CircuitBreakerOptions.decode,
      build: (key, settings, family) => build(key, settings, family, latest),
      // evidence too is a verdict in the making
      isIdle: (breaker) =>
        breaker.snapshotUnsafe(latest.now).state === "Closed" && breaker.suspicionUnsafe(latest.now) < 1
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
