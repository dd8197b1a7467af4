/**
 * What can be asked of a circuit breaker.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Circuit from "../machine/Circuit.ts"
import type * as CircuitBreakerOptions from "./CircuitBreakerOptions.ts"
import type { CircuitOpen } from "./CircuitOpen.ts"
import type * as CircuitSnapshot from "./CircuitSnapshot.ts"
import type * as InvalidArgument from "./InvalidArgument.ts"
import type * as Keyed from "./Keyed.ts"
import type * as Policy from "./Policy.ts"
import type * as SavedCircuit from "./SavedCircuit.ts"

/**
 * A hold on an isolated circuit.
 *
 * @category models
 * @since 0.1.0
 */
export interface Isolation {
  /** Lets go. The circuit closes when nobody else holds it; a second release does nothing. */
  readonly release: Effect.Effect<void>
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
export interface CircuitHandle
  extends Keyed.Family<CircuitHandle, CircuitBreakerOptions.Options, CircuitSnapshot.Snapshot>
{
  readonly key: string
  /** Runs an effect unless the circuit is open; an interrupted call is neutral. */
  readonly protect: Policy.Policy<CircuitOpen>
  readonly state: Effect.Effect<CircuitSnapshot.Snapshot>
  /** Each change of state of this circuit from now on. Whoever falls 256 changes behind loses the oldest. */
  readonly transitions: Stream.Stream<CircuitSnapshot.Transition>
  /** The same for every key of the family. */
  readonly allTransitions: Stream.Stream<CircuitSnapshot.Transition>
  /**
   * Holds the circuit open, in every mode, until each hold is released or the
   * circuit is reset. An interrupt lets go of nothing: see `isolateScoped`.
   */
  readonly isolate: Effect.Effect<Isolation>
  /** Holds the circuit open, in every mode, until the scope ends or the circuit is reset. */
  readonly isolateScoped: Effect.Effect<Isolation, never, Scope.Scope>
  /** Closes the circuit at once, whoever holds it, and forgets. */
  readonly reset: Effect.Effect<void>
  /** From now on refuses what the circuit refuses. */
  readonly enforce: Effect.Effect<void>
  /** From now on refuses nothing, but tells when it would have opened. */
  readonly observe: Effect.Effect<void>
  /** From now on lets every call pass and counts nothing. */
  readonly disable: Effect.Effect<void>
  /** What to keep for the next process; holds and probes are not kept. */
  readonly save: Effect.Effect<SavedCircuit.Saved>
  /** Takes up what `save` gave, in a closed circuit as in an open one; what cannot be read is refused. */
  readonly restore: (saved: unknown) => Effect.Effect<void, InvalidArgument.InvalidArgument>
  /** Milliseconds above which a success counts as slow. */
  readonly slowCallDuration: number
  readonly admitUnsafe: (now: number) => Circuit.Ticket | CircuitOpen
  /** What `admitUnsafe` would refuse a call with now; changes nothing. */
  readonly refusalUnsafe: (now: number) => CircuitOpen | undefined
  /** `hint`: milliseconds that the failure itself asks to wait. */
  readonly settleUnsafe: (
    ticket: Circuit.Ticket,
    outcome: Circuit.Outcome,
    now: number,
    random: number,
    hint?: number
  ) => void
  readonly snapshotUnsafe: (now: number) => CircuitSnapshot.Snapshot
  /** Bad calls held against a closed circuit; 0 in every other state. */
  readonly suspicionUnsafe: (now: number) => number
  /** Whether the circuit holds nothing against anyone, and is held and watched by nobody. */
  readonly isIdleUnsafe: (now: number) => boolean
  /** Calls back at each change of state, until the returned function is called. It may not throw. */
  readonly watchUnsafe: (listener: (transition: CircuitSnapshot.Transition) => void) => () => void
  /** The same as what `watchUnsafe` gave back, for whoever did not keep that. */
  readonly unwatchUnsafe: (listener: (transition: CircuitSnapshot.Transition) => void) => void
}

/**
 * The way from one circuit to its siblings.
 *
 * @category models
 * @since 0.1.0
 */
export type Family = Keyed.Family<CircuitHandle, CircuitBreakerOptions.Options, CircuitSnapshot.Snapshot>
