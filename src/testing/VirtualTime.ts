/**
 * Time that passes as fast as a program can live through it: whole days in seconds, and each run like the one before.
 *
 * A clock, a scheduler and a source of chance that belong together. Fibers run until all of them wait; then the clock
 * steps to the earliest time that anybody sleeps until, and wakes them, one after the other. A sleep costs O(log n) with
 * n others asleep. Under one seed a program meets the same numbers in the same order.
 *
 * `TestClock` stands still until a test moves it. This clock moves by itself, for simulations that nobody wants to lead
 * by the hand.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import * as Expiry from "../machine/Expiry.ts"
import * as Turns from "./Turns.ts"

/**
 * The options of virtual time; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** What all chance comes from. */
  readonly seed?: number | string | undefined
  /** What the wall clock shows at first, epoch milliseconds. */
  readonly startAt?: number | undefined
  /**
   * Whether fibers may wait for promises as well. Then a turn of the event loop, a microsecond or two, goes before each
   * step of time, so that what has been settled meanwhile is heard. What comes from outside, over a network or from a
   * disk, is not waited for while anybody sleeps. `false` is faster, where fibers wait for time and for each other only.
   */
  readonly promises?: boolean | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  seed: 0,
  startAt: 0,
  promises: true
} as const satisfies Required<Options>

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
   * as before, and whoever sleeps is woken when they would have been.
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

const nanosPerMilli = 1_000_000

// after so many steps the world outside has its turn: to print something, or to interrupt
const stepsPerTurn = 10_000

type Wake = (effect: Effect.Effect<void>) => void

class World implements Clock.Clock, Scheduler.Scheduler, Scheduler.SchedulerDispatcher, VirtualTime {
  readonly executionMode = "async"
  readonly #outside: Scheduler.SchedulerDispatcher
  readonly #promises: boolean
  readonly #turns = new Turns.Turns()
  readonly #sleepers = Expiry.make<Wake>()
  // whole nanoseconds: sums of milliseconds would drift
  #elapsed = 0
  #wallAtStart: number
  #woken = 0
  #isDriving = false
  #isAwaited = false
  #isOver = false
  // a BigInt costs more than a step of time, so it is made when somebody asks
  #monotonic = 0n
  #monotonicOf = 0

  constructor(outside: Scheduler.SchedulerDispatcher, { promises, startAt }: { promises: boolean; startAt: number }) {
    this.#outside = outside
    this.#promises = promises
    this.#wallAtStart = startAt
  }

  currentTimeMillisUnsafe(): number {
    return Math.floor(this.#wallAtStart + this.#elapsed / nanosPerMilli)
  }

  currentTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.#wallAtStart)) * BigInt(nanosPerMilli) + this.monotonicTimeNanosUnsafe()
  }

  monotonicTimeNanosUnsafe(): bigint {
    if (this.#monotonicOf !== this.#elapsed) {
      this.#monotonicOf = this.#elapsed
      this.#monotonic = BigInt(this.#elapsed)
    }
    return this.#monotonic
  }

  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())

  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const millis = Duration.toMillis(duration)
    if (millis <= 0) return Effect.yieldNow
    if (millis === Infinity) return Effect.never
    const nanos = Math.max(1, Math.round(millis * nanosPerMilli))
    return Effect.callback((resume) => {
      const sleeper = Expiry.set(this.#sleepers, this.#elapsed + nanos, resume)
      this.#stir()
      return Effect.sync(() => Expiry.drop(this.#sleepers, sleeper))
    })
  }

  readonly snapshot = Effect.sync((): Snapshot => ({
    elapsed: this.#elapsed / nanosPerMilli,
    sleeping: this.#sleepers.heap.length - this.#sleepers.dropped,
    woken: this.#woken
  }))

  readonly shiftWallClock = (by: Duration.Input): Effect.Effect<void> =>
    Effect.sync(() => {
      this.#wallAtStart += Duration.toMillis(by)
    })

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    return fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield
  }

  // one for all fibers, or their order would be that of their dispatchers
  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this
  }

  scheduleTask(task: Turns.Task, priority: number): void {
    this.#turns.add(task, priority)
    this.#stir()
  }

  flush(): void {
    for (let task = this.#turns.take(); task !== undefined; task = this.#turns.take()) task()
  }

  /** Nothing happens any more: who sleeps, sleeps for ever. */
  end(): void {
    this.#isOver = true
  }

  #stir(): void {
    if (this.#isDriving || this.#isAwaited || this.#isOver) return
    this.#isAwaited = true
    this.#outside.scheduleTask(this.#drive, 0)
  }

  readonly #drive = (): void => {
    this.#isAwaited = false
    this.#isDriving = true
    try {
      // promises are heard between two drives, so each takes one step of time at most
      const mayGoOn = !this.#promises || this.#turns.isEmpty
      for (let steps = 0; steps < stepsPerTurn && !this.#isOver; steps++) {
        const task = this.#turns.take()
        if (task !== undefined) task()
        else if (!mayGoOn || !this.#wakeNext(steps > 0)) break
      }
    } finally {
      this.#isDriving = false
      if (!this.#turns.isEmpty || Expiry.earliest(this.#sleepers) !== Infinity) this.#stir()
    }
  }

  /** Wakes whoever has slept long enough by now, or whoever is next once time may go on. */
  #wakeNext(hasBegun: boolean): boolean {
    const at = Expiry.earliest(this.#sleepers)
    if (at === Infinity) return false
    if (at > this.#elapsed) {
      if (hasBegun && this.#promises) return false
      this.#elapsed = at
    }
    this.#woken++
    Expiry.ring(this.#sleepers, at)!(Effect.void)
    return true
  }
}

/**
 * Virtual time for whatever it is provided to, with all the fibers that this starts: their clock, their scheduler, their
 * chance. It ends with what it was provided to; what that leaves in the background stands still.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<VirtualTime> =>
  Layer.effectContext(Effect.gen(function*() {
    const { promises, seed, startAt } = { ...defaults, ...options }
    const outside = (yield* Scheduler.Scheduler).makeDispatcher()
    const world = new World(outside, {
      promises: promises ?? defaults.promises,
      startAt: startAt ?? defaults.startAt
    })
    yield* Effect.addFinalizer(() => Effect.sync(() => world.end()))
    const random = yield* Random.withSeed(Effect.service(Random.Random), seed ?? defaults.seed)
    return Context.make(VirtualTime, world as VirtualTime).pipe(
      Context.add(Clock.Clock, world),
      Context.add(Scheduler.Scheduler, world),
      Context.add(Random.Random, random)
    )
  }))

/**
 * Runs an effect in virtual time.
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
  options?: Options
): Effect.Effect<A, E, Exclude<R, VirtualTime>> => Effect.provide(effect, layer(options))
