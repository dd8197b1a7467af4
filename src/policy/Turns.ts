/**
 * Who passes the limits, and when: at once where there is room, else in a
 * bounded line, first come first served, with one timer for whoever is first.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Limits from "../machine/Limits.ts"
import * as Line from "../machine/Line.ts"
import type * as WaitList from "../machine/WaitList.ts"
import * as Attempt from "./Attempt.ts"
import * as Deadline from "./Deadline.ts"
import * as Now from "./Now.ts"
import { RateLimited } from "./RateLimited.ts"
import type * as RateLimiterOptions from "./RateLimiterOptions.ts"
import * as Rejection from "./Rejection.ts"
import * as Seam from "./Seam.ts"

/**
 * The latest time any limiter of a family was asked at.
 *
 * @category models
 * @since 0.1.0
 */
export interface Latest {
  now: number
}

// what rounding makes of a sum of times, and more
const slack = 1e-3

class Waiter implements Line.Waiting {
  readonly cost: Limits.Cost
  readonly until: number
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly clock: Clock.Clock
  /** Takes over what is taken, in the step that takes it. */
  readonly onTurn: (() => void) | undefined
  turn = NaN
  place: WaitList.Place<Waiter> | undefined
  resume: ((outcome: Effect.Effect<void, unknown>) => void) | undefined
  /** When it took its turn, while that would be lost if it were interrupted. */
  takenAt: number | undefined

  constructor(
    cost: Limits.Cost,
    until: number,
    fiber: Fiber.Fiber<unknown, unknown>,
    clock: Clock.Clock,
    onTurn: (() => void) | undefined
  ) {
    this.cost = cost
    this.until = until
    this.fiber = fiber
    this.clock = clock
    this.onTurn = onTurn
  }
}

interface Timer {
  readonly due: number
  fiber: Fiber.Fiber<void> | undefined
}

/**
 * The turns at the limits of one key.
 *
 * @category models
 * @since 0.1.0
 */
export class Turns {
  readonly key: string
  readonly limits: Limits.Limits
  settings: RateLimiterOptions.Settings
  readonly #latest: Latest
  #line: Line.Line<Waiter> | undefined
  #refused: { readonly retryAfter: number; readonly error: RateLimited } | undefined
  #timer: Timer | undefined
  #isServing = false
  #isDue = false

  constructor(key: string, settings: RateLimiterOptions.Settings, latest: Latest) {
    this.key = key
    this.settings = settings
    this.limits = new Limits.Limits(settings.specs)
    this.#latest = latest
  }

  get queued(): number {
    return this.#line === undefined ? 0 : this.#line.size
  }

  wait(cost: Limits.Cost, now: number): number {
    this.#latest.now = now
    return this.#line === undefined ? this.limits.wait(cost, now) : this.#line.wait(cost, now)
  }

  take(cost: Limits.Cost, now: number): void {
    this.limits.take(cost, now)
    this.#line?.change()
  }

  refund(cost: Limits.Cost, takenAt: number): void {
    this.limits.refund(cost, takenAt)
    if (this.#line === undefined) return
    this.#line.change()
    this.#serve()
  }

  // many are refused in the same millisecond: they get the same error, as it costs more than the decision
  refusal(wait: number): RateLimited {
    const retryAfter = Math.ceil(wait)
    if (this.#refused?.retryAfter === retryAfter) return this.#refused.error
    const { key } = this
    const error = Rejection.make(
      RateLimited,
      wait === Infinity
        ? { key, source: "Limiter", attempts: Attempt.none }
        : { key, source: "Limiter", retryAfter: Duration.millis(retryAfter), attempts: Attempt.none }
    )
    this.#refused = { retryAfter, error }
    return error
  }

  /** Something about the limits is to change, and with it the turns of those who wait. */
  change(how: (limits: Limits.Limits) => void): void {
    how(this.limits)
    if (this.#line === undefined) return
    this.#line.upset()
    this.#serve()
  }

  /**
   * Takes a turn, waiting for it if need be, and goes on with `use` in the same
   * step. To be called by the fiber, as the last thing an operation does.
   */
  enter<A, E, R, F>(
    fiber: Fiber.Fiber<unknown, unknown>,
    cost: Limits.Cost,
    use: (takenAt: number) => Effect.Effect<A, E, R>,
    refuse: (wait: number) => F
  ): Effect.Effect<A, E | F, R> {
    return Seam.isNext(fiber)
      ? Effect.flatMap(Effect.yieldNow, () => this.#enter(fiber, cost, use, refuse))
      : this.#enter(fiber, cost, use, refuse)
  }

  #enter<A, E, R, F>(
    fiber: Fiber.Fiber<unknown, unknown>,
    cost: Limits.Cost,
    use: (takenAt: number) => Effect.Effect<A, E, R>,
    refuse: (wait: number) => F
  ): Effect.Effect<A, E | F, R> {
    const clock = Now.clockOf(fiber)
    const now = Now.read(clock)
    this.#latest.now = now
    const wait = this.#line === undefined ? this.limits.wait(cost, now) : this.#line.wait(cost, now)
    if (wait === 0) {
      this.limits.take(cost, now)
      return use(now)
    }
    const longest = longestWait(fiber, now, this.settings.maxWait)
    if (isTooLong(wait, longest)) return Effect.fail(refuse(wait))
    const waiter = new Waiter(cost, now + longest, fiber, clock, undefined)
    return Effect.onExitPrimitive(
      Effect.flatMap(this.#join(waiter, refuse), () => {
        const begin = (): Effect.Effect<A, E, R> => {
          const takenAt = waiter.takenAt!
          waiter.takenAt = undefined
          return use(takenAt)
        }
        return Seam.isNext(fiber) ? Effect.flatMap(Effect.yieldNow, begin) : begin()
      }),
      () => this.#giveUp(waiter)
    )
  }

  /** Waits at most so long for a turn and hands it over: `onTurn` is called in the step that takes it. */
  await(
    fiber: Fiber.Fiber<unknown, unknown>,
    cost: Limits.Cost,
    maxWait: number,
    onTurn: () => void
  ): Effect.Effect<void, RateLimited> {
    const clock = Now.clockOf(fiber)
    const now = Now.read(clock)
    const wait = this.wait(cost, now)
    if (wait === 0) {
      this.limits.take(cost, now)
      onTurn()
      return Effect.void
    }
    const longest = longestWait(fiber, now, maxWait)
    if (isTooLong(wait, longest)) return Effect.fail(this.refusal(wait))
    const waiter = new Waiter(cost, now + longest, fiber, clock, onTurn)
    return Effect.onExitPrimitive(
      this.#join(waiter, (wait) => this.refusal(wait)),
      () => this.#giveUp(waiter)
    )
  }

  // asking for room and taking a place are one step; the finalizer stands before it
  #join<F>(waiter: Waiter, refuse: (wait: number) => F): Effect.Effect<void, F> {
    return Effect.callback<void, F>((resume) => {
      waiter.resume = resume as Waiter["resume"]
      const now = Now.read(waiter.clock)
      const wait = this.wait(waiter.cost, now)
      if (wait === 0) {
        this.limits.take(waiter.cost, now)
        return this.#pass(waiter, now)
      }
      if (isTooLong(wait, waiter.until - now) || this.queued >= this.settings.maxQueued) {
        return resume(Effect.fail(refuse(wait)))
      }
      this.#line ??= new Line.Line(this.limits)
      waiter.place = this.#line.enter(waiter, now)
      if (this.#line.size === 1) this.#arm(waiter, wait, now)
    })
  }

  #pass(waiter: Waiter, now: number): void {
    if (waiter.onTurn === undefined) waiter.takenAt = now
    else waiter.onTurn()
    waiter.resume!(Effect.void)
  }

  #giveUp(waiter: Waiter): undefined {
    const { place, takenAt } = waiter
    if (takenAt !== undefined) {
      waiter.takenAt = undefined
      this.refund(waiter.cost, takenAt)
    } else if (place?.list !== undefined) {
      const wasFirst = this.#line!.first === place
      this.#line!.leave(place)
      if (wasFirst) this.#serve()
    }
    return undefined
  }

  // who is served runs at once, and may leave, come or give back in the meantime: a long line is served in a
  // loop, not in a recursion
  #serve(): void {
    this.#isDue = true
    if (this.#isServing) return
    this.#isServing = true
    try {
      while (this.#isDue) {
        this.#isDue = false
        this.#serveFirst()
      }
    } finally {
      this.#isServing = false
    }
  }

  #serveFirst(): void {
    const place = this.#line?.first
    if (place === undefined) {
      this.#line = undefined
      return this.#disarm()
    }
    const waiter = place.value
    const now = Now.read(waiter.clock)
    const wait = this.limits.wait(waiter.cost, now)
    if (wait > 0 && !isTooLong(wait, waiter.until - now)) return this.#arm(waiter, wait, now)
    this.#isDue = true
    if (wait === 0) {
      this.#line!.serve(place, now)
      this.#pass(waiter, now)
    } else {
      this.#line!.leave(place)
      waiter.resume!(Effect.fail(this.refusal(wait)))
    }
  }

  // a timer that fires too early asks again
  #arm(waiter: Waiter, wait: number, now: number): void {
    const sleep = Math.ceil(wait)
    if (this.#timer !== undefined && this.#timer.due <= now + sleep + slack) return
    this.#disarm()
    const timer: Timer = { due: now + sleep, fiber: undefined }
    this.#timer = timer
    timer.fiber = Effect.runForkWith(waiter.fiber.context)(Effect.sleep(sleep))
    timer.fiber.addObserver(() => {
      if (this.#timer !== timer) return
      this.#timer = undefined
      this.#serve()
    })
  }

  #disarm(): void {
    const timer = this.#timer
    this.#timer = undefined
    timer?.fiber?.interruptUnsafe()
  }
}

const longestWait = (fiber: Fiber.Fiber<unknown, unknown>, now: number, maxWait: number): number => {
  const left = Deadline.leftUnsafe(fiber, now)
  return left < maxWait ? left : maxWait
}

// in whole milliseconds, as timers count; what never comes is too long for whoever would wait for ever
const isTooLong = (wait: number, longest: number): boolean =>
  wait === Infinity || Math.ceil(wait - slack) > longest + slack
