/**
 * Calls that many wait for: who wants the same while somebody is asking for it joins.
 *
 * A call runs in a fiber of its own, so it is nobody's: whoever is interrupted leaves, also the one who began it, and the
 * last to leave stops it. How it ends goes to those who waited for that very call and to nobody who comes later.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"

type Waiter<A, E> = (exit: Exit.Exit<A, E>) => void

interface Flight<A, E, M> {
  readonly fiber: Fiber.Fiber<A, E>
  readonly meeting: M
  readonly waiters: Set<Waiter<A, E>>
  /** Whether it goes on though nobody waits for it. */
  isKept: boolean
}

/**
 * A call and where those who wait for it meet, so that they can hear of it before it ends.
 *
 * @category models
 * @since 0.1.0
 */
export interface Gathering<A, E, R, M> {
  /** A place to meet, for each call that is begun. */
  readonly open: () => M
  /** Whoever joins is told where; before the call begins, or while it goes on. */
  readonly enter: (meeting: M) => void
  readonly call: (meeting: M) => Effect.Effect<A, E, R>
}

/**
 * The calls under way, by key.
 *
 * @category models
 * @since 0.1.0
 */
export interface SingleFlight<A, E, M = unknown> {
  readonly flights: Map<string, Flight<A, E, M>>
}

/**
 * No calls.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A, E, M = unknown>(): SingleFlight<A, E, M> => ({ flights: new Map() })

const begin = <A, E, R, M>(
  { flights }: SingleFlight<A, E, M>,
  key: string,
  meeting: M,
  call: Effect.Effect<A, E, R>,
  context: Context.Context<R>,
  isKept: boolean
): Flight<A, E, M> => {
  const flight: Flight<A, E, M> = { fiber: Effect.runForkWith(context)(call), meeting, waiters: new Set(), isKept }
  if (flight.fiber.pollUnsafe() !== undefined) return flight
  flights.set(key, flight)
  flight.fiber.addObserver((exit) => {
    // who was told may ask anew at once
    if (flights.get(key) === flight) flights.delete(key)
    for (const waiter of flight.waiters) waiter(exit)
  })
  return flight
}

/**
 * What a call brings to whoever waits for it. `isOwn` says of the failure of a call that somebody else began whether it
 * is that caller's own and no news for the others; these go on with `again`, and so does who waited for a call that was
 * interrupted from inside. Whoever is first of them begins another call.
 *
 * `land` is told how the call ended, and whether it was there already.
 *
 * @category combinators
 * @since 0.1.0
 */
export const join = <A, E, R, M, B, E2>(
  self: SingleFlight<A, E, M>,
  key: string,
  { call, enter, open }: Gathering<A, E, R, M>,
  context: Context.Context<R>,
  ending: {
    readonly land: (exit: Exit.Exit<A, E>, isJoined: boolean) => Effect.Effect<B, E2>
    readonly isOwn: (failure: E) => boolean
    readonly again: Effect.Effect<B, E2>
  }
): Effect.Effect<B, E2> =>
  // fork and finalizer are one step: no interrupt can fall between the two
  Effect.callback<B, E2>((resume) => {
    const known = self.flights.get(key)
    const isJoined = known !== undefined
    const meeting = known === undefined ? open() : known.meeting
    enter(meeting)
    const flight = known ?? begin(self, key, meeting, call(meeting), context, false)
    const isNoNews = (exit: Exit.Exit<A, E>): boolean =>
      isJoined && Exit.isFailure(exit) &&
      exit.cause.reasons.every((reason) =>
        Cause.isInterruptReason(reason) || (Cause.isFailReason(reason) && ending.isOwn(reason.error))
      )
    const waiter: Waiter<A, E> = (exit) => resume(isNoNews(exit) ? ending.again : ending.land(exit, isJoined))
    const exit = flight.fiber.pollUnsafe()
    if (exit !== undefined) return waiter(exit)
    flight.waiters.add(waiter)
    return Effect.suspend(() => {
      flight.waiters.delete(waiter)
      if (flight.waiters.size > 0 || flight.isKept) return Effect.void
      // who comes now is not to wait for a call that is being stopped
      if (self.flights.get(key) === flight) self.flights.delete(key)
      return Fiber.interrupt(flight.fiber)
    })
  })

/**
 * Begins a call that nobody waits for, unless there is one under way. After so many milliseconds it is as any other: it goes
 * on for those who have joined, and ends if there is nobody.
 *
 * @category combinators
 * @since 0.1.0
 */
export const ensure = <A, E, R, M>(
  self: SingleFlight<A, E, M>,
  key: string,
  { call, open }: Pick<Gathering<A, E, R, M>, "call" | "open">,
  context: Context.Context<R>,
  keptFor: number
): void => {
  if (self.flights.has(key)) return
  const meeting = open()
  const flight = begin(self, key, meeting, call(meeting), context, true)
  const timer = Effect.runForkWith(context)(Effect.sleep(keptFor))
  timer.addObserver(() => {
    flight.isKept = false
    if (flight.waiters.size > 0) return
    if (self.flights.get(key) === flight) self.flights.delete(key)
    flight.fiber.interruptUnsafe()
  })
  flight.fiber.addObserver(() => timer.interruptUnsafe())
}

/**
 * Lets the calls under way go on for those who wait for them, and nobody else join.
 *
 * @category transitions
 * @since 0.1.0
 */
export const leave = <A, E, M>({ flights }: SingleFlight<A, E, M>): void => flights.clear()
