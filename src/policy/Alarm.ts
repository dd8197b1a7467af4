/**
 * One timer for many who wait: it sleeps until the earliest of their times.
 *
 * Once nobody waits it is let go in the next turn of the scheduler: those who
 * wait one after the other share it, and a program that has nothing else to do
 * ends.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Now from "./Now.ts"

/**
 * Those who wait. Times are milliseconds on the scale of `Now.read`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sleepers {
  /** The earliest time that anybody waits for, `Infinity` when nobody does. */
  readonly earliest: () => number
  /** Wakes all whose time has come. */
  readonly ring: (now: number) => void
}

/**
 * A timer.
 *
 * @category models
 * @since 0.1.0
 */
export class Alarm {
  readonly #sleepers: Sleepers
  readonly #clock: Clock.Clock
  readonly #context: Context.Context<never>
  readonly #dispatcher: Scheduler.SchedulerDispatcher
  #at = Infinity
  #isResting = false
  #fiber: Fiber.Fiber<void> | undefined

  /** On the clock of a fiber. */
  constructor(fiber: Fiber.Fiber<unknown, unknown>, sleepers: Sleepers) {
    const scheduler = fiber.getRef(Scheduler.Scheduler)
    this.#sleepers = sleepers
    this.#clock = Now.clockOf(fiber)
    // no more of the fiber than this: what else it carries is the call's own
    this.#context = Context.add(Context.make(Clock.Clock, this.#clock), Scheduler.Scheduler, scheduler)
    this.#dispatcher = scheduler.makeDispatcher()
  }

  /** Somebody waits for this time. */
  set(at: number): void {
    if (at >= this.#at) return
    this.#stop()
    this.#at = at
    this.#fiber = Effect.runForkWith(this.#context)(this.#sleep)
  }

  /** Nobody waits any more. */
  rest(): void {
    if (this.#isResting || this.#fiber === undefined) return
    this.#isResting = true
    this.#dispatcher.scheduleTask(this.#settle, 0)
  }

  readonly #settle = (): void => {
    this.#isResting = false
    if (this.#sleepers.earliest() === Infinity) this.#stop()
  }

  #stop(): void {
    this.#at = Infinity
    this.#fiber?.interruptUnsafe()
    this.#fiber = undefined
  }

  readonly #sleep: Effect.Effect<void> = Effect.suspend(() => {
    const now = Now.read(this.#clock)
    // a timer may fire a little early
    if (now >= this.#at) this.#ring(now)
    if (this.#at === Infinity) return Effect.void
    return Effect.flatMap(Effect.sleep(Math.ceil(this.#at - now)), () => this.#sleep)
  })

  #ring(now: number): void {
    let isDone = false
    try {
      this.#sleepers.ring(now)
      isDone = true
    } finally {
      const next = this.#sleepers.earliest()
      this.#at = isDone ? next : Infinity
      if (this.#at === Infinity) this.#fiber = undefined
      // an observer of somebody's call threw, and this fiber ends with it: the others are still to be rung for
      this.set(next)
    }
  }
}
