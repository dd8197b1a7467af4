/**
 * Time that passes as fast as a program can live through it: whole days in seconds, and each run like the one before.
 *
 * A clock, a scheduler and a source of chance that belong together. Fibers run until all of them wait; then the clock
 * steps to the earliest time that anybody sleeps until, and wakes them, one after the other. A sleep costs O(log n) with
 * n others asleep. Under one seed a program meets the same numbers in the same order, as long as all that it waits for is
 * time, its own fibers, and promises that microtasks settle. `Date.now`, `performance.now` and `Math.random` are not of this
 * world: what reads them sees the real ones.
 *
 * The clock counts nanoseconds. After 104 days it is coarser, two of them at first; a sleep always moves it.
 *
 * `TestClock` stands still until a test moves it. This clock moves by itself, for simulations that nobody wants to lead
 * by the hand.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Scheduler from "effect/Scheduler"
import * as VirtualTimeOptions from "./VirtualTimeOptions.ts"
import { VirtualWorld } from "./VirtualWorld.ts"

export {
  /**
   * The options that hold where none is given.
   *
   * @category constants
   * @since 0.1.0
   */
  defaults,
  /**
   * The options of virtual time; see `defaults`.
   *
   * @category models
   * @since 0.1.0
   */
  type Options
} from "./VirtualTimeOptions.ts"

/**
 * What virtual time shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  /** Milliseconds that have passed. */
  readonly elapsed: number
  /** How many sleep now. */
  readonly sleeping: number
  /** How many were woken. */
  readonly woken: number
}

/**
 * Virtual time as a program in it sees it.
 *
 * @category models
 * @since 0.1.0
 */
export interface VirtualTime {
  readonly snapshot: Effect.Effect<Snapshot>
  /**
   * Puts the wall clock forward, or back if it is negative, as somebody does who corrects it. The monotonic clock goes on
   * as before, and whoever sleeps is woken when they would have been. Throws `InvalidConfiguration` on what is no duration
   * that ends.
   */
  readonly shiftWallClock: (by: Duration.Input) => Effect.Effect<void>
}

/**
 * The service, for whoever wants to look at the time from inside.
 *
 * @category services
 * @since 0.1.0
 */
export const VirtualTime: Context.Service<VirtualTime, VirtualTime> = Context.Service<VirtualTime>(
  "effect-relay/testing/VirtualTime"
)

/**
 * Virtual time for whatever it is provided to, with all the fibers that this starts: their clock, their scheduler, their
 * chance. It ends with what it was provided to; what that leaves in the background stands still. Throws
 * `InvalidConfiguration` on options that cannot work.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: VirtualTimeOptions.Options): Layer.Layer<VirtualTime> => {
  const settings = Result.getOrThrowWith(VirtualTimeOptions.decode(options), (invalid) => invalid)
  return Layer.effectContext(Effect.gen(function*() {
    const world = new VirtualWorld((yield* Scheduler.Scheduler).makeDispatcher(), settings)
    yield* Effect.addFinalizer(() => Effect.sync(() => world.end()))
    const random = yield* Random.withSeed(Effect.service(Random.Random), settings.seed)
    return Context.make(VirtualTime, world).pipe(
      Context.add(Clock.Clock, world),
      Context.add(Scheduler.Scheduler, world),
      Context.add(Random.Random, random)
    )
  }))
}

/**
 * Runs an effect in virtual time. With `promises: false` it dies once everybody waits and nobody sleeps, as nobody could wake
 * any more. Throws `InvalidConfiguration` on options that cannot work.
 *
 * ```ts
 * import { Clock, Effect } from "effect"
 * import { VirtualTime } from "effect-relay/testing"
 *
 * const day = Effect.gen(function*() {
 *   yield* Effect.forEach([1, 2, 3], (n) => Effect.sleep(`${n * 8} hours`), { concurrency: "unbounded" })
 *   console.log(yield* Clock.currentTimeMillis, "milliseconds have passed")
 * })
 *
 * await Effect.runPromise(VirtualTime.run(day, { seed: 1 }))
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  options?: VirtualTimeOptions.Options
): Effect.Effect<A, E, Exclude<R, VirtualTime>> =>
  Effect.provide(options?.promises === false ? orStandstill(effect) : effect, layer(options))

const orStandstill = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | VirtualTime> =>
  Effect.flatMap(VirtualTime, (time) => Effect.raceFirst(effect, (time as VirtualWorld).standstill))
