/**
 * A race that is won before the course is run: by the first token of an answer
 * that comes bit by bit.
 *
 * Whoever takes the lead goes on; the others are interrupted, and their
 * finalizers have run, before the race is decided. Each runs in a fiber of its
 * own, since the race is over for the leader as well while it still runs.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Hedge from "../policy/Hedge.ts"

/** Begins a runner; succeeds when it takes the lead, fails if it fails before. */
const begin = <A, E, R>(
  run: (lead: () => boolean) => Effect.Effect<A, E, R>,
  claim: () => boolean,
  runners: Set<Fiber.Fiber<A, E>>
): Effect.Effect<Fiber.Fiber<A, E>, E, R> =>
  Effect.withFiber((parent) => {
    let runner: Fiber.Fiber<A, E> | undefined
    return Effect.onExitPrimitive(
      Effect.callback<Fiber.Fiber<A, E>, E>((resume) => {
        let leads = false
        const lead = (): boolean => {
          if (leads) return true
          leads = claim()
          // it may lead in its very first step, before it is known by name
          if (leads && runner !== undefined) resume(Exit.succeed(runner))
          return leads
        }
        const fiber = Effect.runForkWith(parent.context as Context.Context<R>)(run(lead))
        runner = fiber
        runners.add(fiber)
        if (leads) resume(Exit.succeed(fiber))
        fiber.addObserver((exit) => {
          runners.delete(fiber)
          resume(Exit.isSuccess(exit) ? Exit.succeed(fiber) : Exit.failCause(exit.cause))
        })
      }),
      (exit) => Exit.isSuccess(exit) || runner === undefined ? undefined : Effect.asVoid(Fiber.interrupt(runner))
    )
  })

/**
 * Races runners as the hedge sends them, and gives what the leader ends with.
 * However it ends, none of them runs any more.
 *
 * @category combinators
 * @since 0.1.0
 */
export const race = <A, E, R>(
  hedge: Hedge.Hedge,
  run: (lead: () => boolean) => Effect.Effect<A, E, R>,
  budget: Parameters<Hedge.Hedge["race"]>[1]
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const runners = new Set<Fiber.Fiber<A, E>>()
    let isTaken = false
    const claim = (): boolean => {
      if (isTaken) return false
      isTaken = true
      return true
    }
    return Effect.onExitPrimitive(
      Effect.flatMap(hedge.race(() => begin(run, claim, runners), budget), (leader) => Fiber.join(leader)),
      () => runners.size === 0 ? undefined : Fiber.interruptAll(runners)
    )
  })
