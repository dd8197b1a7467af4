/**
 * Copies of one call under way at once, the next begun after a delay: the first
 * success is the answer.
 *
 * Source: J. Dean and L. A. Barroso, "The Tail at Scale", CACM 56 (2013).
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

/**
 * How copies come about and what becomes of them. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Plan<A, E, R> {
  /** The copy of this number, from 0. */
  readonly copy: (index: number) => Effect.Effect<A, E, R>
  /** How many there are at most, from 2 up. */
  readonly maxCopies: number
  readonly delay: number
  /** Asked in the step in which one more would begin. */
  readonly mayBegin: () => boolean
  /** Told when a copy beyond the first has the answer. */
  readonly onWon: () => void
}

// a bug before a failure before an interrupt; among equals the call that would have been made anyway
const mostTelling = <E>(causes: ReadonlyArray<Cause.Cause<E>>): Cause.Cause<E> =>
  causes.find(Cause.hasDies) ?? causes.find(Cause.hasFails) ?? causes[0]!

/**
 * Runs the copies for a fiber. `onEnd` is told the end before the copies that
 * lost are interrupted; their finalizers have run before anything comes out.
 *
 * @category combinators
 * @since 0.1.0
 */
export const run = <A, E, R>(
  parent: Fiber.Fiber<unknown, unknown>,
  { copy, delay, maxCopies, mayBegin, onWon }: Plan<A, E, R>,
  onEnd: (exit: Exit.Exit<A, E>) => void
): Effect.Effect<A, E, R> => {
  const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
  let isOver = false
  // the finalizer stands before the first copy begins: no interrupt can fall between the two
  return Effect.onExitPrimitive(
    Effect.callback<A, E>((resume) => {
      const fork = Effect.runForkWith(parent.context as Context.Context<R>)
      const causes: Array<Cause.Cause<E>> = []
      let running = 0

      const begin = (index: number): void => {
        running++
        const fiber = fork(copy(index))
        fibers.push(fiber)
        fiber.addObserver((exit) => {
          running--
          if (isOver) return
          if (exit._tag === "Success") {
            if (index > 0) onWon()
          } else if (index > 0) causes.push(exit.cause)
          else causes.unshift(exit.cause)
          isOver = exit._tag === "Success" || running === 0
          if (isOver) resume(exit._tag === "Success" ? exit : Exit.failCause(mostTelling(causes)))
        })
      }

      let turn = 0
      const next: Effect.Effect<void> = Effect.flatMap(Effect.sleep(delay), () => {
        turn++
        // paid for and begun in one step
        if (mayBegin()) begin(turn)
        return turn + 1 < maxCopies ? next : Effect.void
      })

      begin(0)
      if (!isOver) fibers.push(fork(next))
    }),
    (exit) => {
      isOver = true
      onEnd(exit)
      for (const fiber of fibers) fiber.interruptUnsafe(parent.id)
      const left = fibers.filter((fiber) => fiber.pollUnsafe() === undefined)
      return left.length === 0 ? undefined : Effect.asVoid(Fiber.awaitAll(left))
    }
  )
}
