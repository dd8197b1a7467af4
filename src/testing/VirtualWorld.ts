/**
 * The world in which time is virtual: its clock, and the scheduler of all the fibers that live by it.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type * as Scheduler from "effect/Scheduler"
import * as Expiry from "../machine/Expiry.ts"
import * as Turns from "./Turns.ts"
import * as VirtualTimeOptions from "./VirtualTimeOptions.ts"

const nanosPerMilli = 1_000_000

// after so many steps the world outside has its turn: to print something, or to interrupt
const stepsPerTurn = 10_000

type Wake = (effect: Effect.Effect<void>) => void

const standstill =
  "everybody waits and nobody sleeps, so nobody can ever wake: a deadlock, or somebody waits for the world " +
  "outside, for which `promises` must not be false"

/**
 * Runs fibers until all of them wait, steps to the earliest time that anybody sleeps until, and wakes them.
 *
 * @category models
 * @since 0.1.0
 */
export class VirtualWorld implements Clock.Clock, Scheduler.Scheduler, Scheduler.SchedulerDispatcher {
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
  // who is told that nobody can wake any more
  #onStandstill: ((effect: Effect.Effect<never>) => void) | undefined
  // a BigInt costs more than a step of time, so it is made when somebody asks
  #monotonic = 0n
  #monotonicOf = 0

  constructor(outside: Scheduler.SchedulerDispatcher, { promises, startAt }: VirtualTimeOptions.Settings) {
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
      const sleeper = Expiry.set(this.#sleepers, this.#after(nanos), resume)
      this.#stir()
      return Effect.sync(() => Expiry.drop(this.#sleepers, sleeper))
    })
  }

  /** What is later by so much, or by a little more where no number stands for that. */
  #after(nanos: number): number {
    let at = this.#elapsed + nanos
    for (let longer = 2 * nanos; at === this.#elapsed; longer *= 2) at = this.#elapsed + longer
    return at
  }

  readonly snapshot = Effect.sync(() => ({
    elapsed: this.#elapsed / nanosPerMilli,
    sleeping: this.#sleepers.heap.length - this.#sleepers.dropped,
    woken: this.#woken
  }))

  readonly shiftWallClock = (by: Duration.Input): Effect.Effect<void> => {
    const millis = Result.getOrThrowWith(VirtualTimeOptions.decodeShift(by), (invalid) => invalid)
    return Effect.sync(() => {
      this.#wallAtStart += millis
    })
  }

  /** Dies once nobody can wake any more. That is certain only where nobody waits for promises. */
  readonly standstill: Effect.Effect<never> = Effect.callback((resume) => {
    this.#onStandstill = resume
    this.#stir()
    return Effect.sync(() => {
      this.#onStandstill = undefined
    })
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
      if (this.#goesOn) this.#stir()
      // whoever is outside may be about to interrupt somebody, so they have their turn first
      else if (this.#onStandstill !== undefined) this.#outside.scheduleTask(this.#despair, 0)
    }
  }

  get #goesOn(): boolean {
    return !this.#turns.isEmpty || Expiry.earliest(this.#sleepers) !== Infinity
  }

  readonly #despair = (): void => {
    if (this.#goesOn) return
    const resume = this.#onStandstill
    this.#onStandstill = undefined
    resume?.(Effect.die(new Error(standstill)))
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
