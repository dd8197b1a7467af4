/**
 * Tells of the changes of circuits as a stream.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type * as CircuitSnapshot from "./CircuitSnapshot.ts"

/**
 * One who is told of each change. It may not throw.
 *
 * @category models
 * @since 0.1.0
 */
export type Listener = (transition: CircuitSnapshot.Transition) => void

/**
 * Those who are told.
 *
 * @category models
 * @since 0.1.0
 */
export type Listeners = Set<Listener>

// whoever falls further behind than this loses the oldest changes
const backlog = 256

/**
 * The changes from now on, as long as somebody reads them.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stream = (watch: (listener: Listener) => () => void): Stream.Stream<CircuitSnapshot.Transition> =>
  Stream.callback<CircuitSnapshot.Transition>(
    (queue) =>
      Effect.acquireRelease(
        Effect.sync(() => watch((transition) => Queue.offerUnsafe(queue, transition))),
        (stop) => Effect.sync(stop)
      ),
    { bufferSize: backlog, strategy: "sliding" }
  )
