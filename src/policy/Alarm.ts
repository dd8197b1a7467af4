/**
 * One timer for many who wait: it sleeps until the earliest of their times.
 *
 * It holds no timer while nobody waits, so it keeps no process alive.
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
 * A timer. Times are milliseconds on the scale of `Now.read`.
 *
 * @category models
 * @since 0.1.0
 */
export class Alarm {
  readonly #ring: (now: number) => number
  readonly #clock: Clock.Clock
  readonly #context: Context.Context<never>
  #at = Infinity
  #fiber: Fiber.Fiber<void> | undefined

  /**
   * On the clock of a fiber. `ring` is called when a time has come, serves all
   * whose time it is, and says when the next one's is.
   */
  constructor(fiber: Fiber.Fiber<unknown, unknown>, ring: (now: number) => number) {
    this.#ring = ring
    this.#clock = Now.clockOf(fiber)
    // no more of the fiber than this: what else it carries is the call's own
    this.#context = Context.add(
      Context.make(Clock.Clock, this.#clock),
      Scheduler.Scheduler,
      fiber.getRef(Scheduler.Scheduler)
    )
  }

  /** Rings at this time, if not before. */
  set(at: number): void {
    if (at >= this.#at) return
    this.stop()
    this.#at = at
    this.#fiber = Effect.runForkWith(this.#context)(this.#sleep)
  }

  /** Rings no more. */
  stop(): void {
    this.#at = Infinity
    this.#fiber?.interruptUnsafe()
    this.#fiber = undefined
  }

  readonly #sleep: Effect.Effect<void> = Effect.suspend(() => {
    const now = Now.read(this.#clock)
    // a timer may fire a little early
    if (now >= this.#at) this.#ringAll(now)
    if (this.#at === Infinity) {
      this.#fiber = undefined
      return Effect.void
    }
    return Effect.flatMap(Effect.sleep(Math.ceil(this.#at - now)), () => this.#sleep)
  })

  #ringAll(now: number): void {
    let next: number | undefined
    try {
      next = this.#ring(now)
    } finally {
      // an observer of somebody's call threw, and this fiber ends with it: the others are still to be rung for
      if (next === undefined) {
        this.#fiber = undefined
        this.#at = Infinity
        this.set(now)
      } else this.#at = next
    }
  }
}
