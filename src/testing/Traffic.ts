/**
 * Who asks what, and when: a day with a peak and a trough, bursts, a few questions that everybody asks and many that nobody
 * asks twice.
 *
 * Arrivals are a Poisson process whose rate changes, drawn by thinning (Lewis and Shedler, 1979). Questions follow Zipf's
 * law.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Now from "../policy/Now.ts"
import * as Luck from "./Luck.ts"
import * as TrafficOptions from "./TrafficOptions.ts"

export {
  /**
   * Times of so many times the rate.
   *
   * @category models
   * @since 0.1.0
   */
  type Bursts,
  /**
   * The options that hold where none is given.
   *
   * @category constants
   * @since 0.1.0
   */
  defaults,
  /**
   * The options of traffic; see `defaults`.
   *
   * @category models
   * @since 0.1.0
   */
  type Options
} from "./TrafficOptions.ts"

/**
 * All requests, in the order in which they come.
 *
 * @category models
 * @since 0.1.0
 */
export interface Traffic {
  /** When each comes: milliseconds since the beginning. */
  readonly times: Float64Array
  /** What each asks: equal numbers are equal questions. */
  readonly questions: Int32Array
}

// each kind of chance has numbers of its own
const streams = { arrival: 1, thinning: 2, burst: 3, unique: 4, question: 5 }

/** How much busier it is than usual at a time; times are asked for in order. */
const burstsOf = (seed: number, bursts: TrafficOptions.Settings["bursts"]): (at: number) => number => {
  if (bursts === undefined) return () => 1
  const { every, factor, last } = bursts
  const average = (factor * last + every) / (last + every)
  let count = 0
  let isBurst = true
  let until = 0
  return (at) => {
    while (at >= until) {
      isBurst = !isBurst
      until += -Math.log(1 - Luck.draw(seed, streams.burst, count++, 0)) * (isBurst ? last : every)
    }
    return (isBurst ? factor : 1) / average
  }
}

/** The number of a question, 0 for the one that is asked most often, for a number from 0 up to 1. */
const popularityOf = (count: number, exponent: number): (at: number) => number => {
  const sums = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank++) sums[rank] = sum += (rank + 1) ** -exponent
  return (at) => {
    const wanted = at * sum
    let low = 0
    let high = count - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle]! > wanted) high = middle
      else low = middle + 1
    }
    return low
  }
}

/**
 * The traffic of some time: the same for the same options. Throws `InvalidConfiguration` on those that cannot work.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: TrafficOptions.Options): Traffic => {
  const settings = Result.getOrThrowWith(TrafficOptions.decode(options), (invalid) => invalid)
  const { bursts, day, exponent, lasts, peakAt, perDay, questions, seed, swing, unique } = settings
  const burst = burstsOf(seed, bursts)
  const popularity = popularityOf(questions, exponent)
  const highest = (1 + swing) * (bursts?.factor ?? 1)
  const times: Array<number> = []
  const asked: Array<number> = []
  let drawn = 0
  let uniques = 0
  let at = 0
  while (true) {
    at += -Math.log(1 - Luck.draw(seed, streams.arrival, drawn, 0)) / (perDay / day * highest)
    // so as to end as well where nobody asks: there, it may be no number
    if (!(at < lasts)) break
    const rate = (1 + swing * Math.cos(2 * Math.PI * (at / day - peakAt))) * burst(at)
    if (Luck.draw(seed, streams.thinning, drawn++, 0) * highest >= rate) continue
    const isUnique = Luck.draw(seed, streams.unique, times.length, 0) < unique
    asked.push(isUnique ? questions + uniques++ : popularity(Luck.draw(seed, streams.question, times.length, 0)))
    times.push(at)
  }
  return { times: Float64Array.from(times), questions: Int32Array.from(asked) }
}

/**
 * One request of the traffic.
 *
 * @category models
 * @since 0.1.0
 */
export interface Request {
  /** Its place among all requests. */
  readonly number: number
  readonly question: number
}

/**
 * Makes each request when its time comes, with its own `Luck`, and ends when the last of them has ended. One that waits for
 * its answer delays no other. A defect of one ends all.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Traffic, VirtualTime } from "effect-relay/testing"
 *
 * const traffic = Traffic.make({ perDay: 1_000 })
 * const asked = new Map<number, number>()
 *
 * const program = Traffic.play(traffic, ({ question }) =>
 *   Effect.andThen(
 *     Effect.sleep("1 second"),
 *     Effect.sync(() => asked.set(question, (asked.get(question) ?? 0) + 1))
 *   ))
 *
 * await Effect.runPromise(VirtualTime.run(program))
 * console.log(traffic.times.length, "requests,", asked.size, "different ones")
 * ```
 *
 * @category running
 * @since 0.1.0
 */
export const play = <R>(
  traffic: Traffic,
  make: (request: Request) => Effect.Effect<unknown, never, R>
): Effect.Effect<void, never, R> =>
  Effect.withFiber((fiber) => {
    const context = fiber.context as Context.Context<R>
    const clock = Now.clockOf(fiber)
    const beganAt = Now.read(clock)
    const running = new Set<Fiber.Fiber<unknown>>()
    const broken = Deferred.makeUnsafe<unknown>()

    const begin = (number: number): void => {
      const request = make({ number, question: traffic.questions[number]! })
      const one = Effect.runForkWith(Context.add(context, Luck.Current, Luck.make(number)))(request)
      running.add(one)
      one.addObserver((exit) => {
        running.delete(one)
        if (Exit.isFailure(exit)) Deferred.doneUnsafe(broken, exit)
      })
    }

    const beginAll = (next: number): Effect.Effect<void> =>
      Effect.suspend(() => {
        const now = Now.read(clock) - beganAt
        let number = next
        // no clock is finer than a nanosecond: what is nearer than that has come
        while (number < traffic.times.length && traffic.times[number]! - now < 0.000_001) begin(number++)
        return number === traffic.times.length
          ? Effect.void
          : Effect.flatMap(Effect.sleep(traffic.times[number]! - now), () => beginAll(number))
      })

    const play = Effect.andThen(beginAll(0), Effect.suspend(() => Fiber.awaitAll(running)))
    return Effect.raceFirst(play, Deferred.await(broken)).pipe(
      Effect.asVoid,
      Effect.onError(() => Fiber.interruptAll(running))
    )
  })
