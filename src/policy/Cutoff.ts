/**
 * Ends effects at a time, with one timer for all that have the same time to live.
 *
 * The effect runs in a fiber of its own, because a fiber that was interrupted
 * cannot go on. One that ends at once never meets the list. A timer is armed on
 * the caller's own clock while somebody is in the list, and let go in the next
 * turn of the scheduler once nobody is: callers one after the other share it,
 * and a program that has nothing else to do ends.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as DeadlineList from "../machine/DeadlineList.ts"
import * as Now from "./Now.ts"

type Child = Fiber.Fiber<unknown, unknown>

interface Timer {
  readonly enter: (at: number, child: Child) => DeadlineList.Entry<Child>
  /** Lets go of what is armed if nobody is left. */
  readonly rest: () => void
}

const make = (clock: Clock.Clock, scheduler: Scheduler.Scheduler, onIdle: () => void): Timer => {
  const list = DeadlineList.make<Child>()
  const dispatcher = scheduler.makeDispatcher()
  const context = Context.make(Scheduler.Scheduler, scheduler)
  let armed: Child | undefined
  let isResting = false

  const watch: Effect.Effect<void> = Effect.suspend(() => {
    const now = Now.read(clock)
    for (let due = DeadlineList.call(list, now); due !== undefined; due = DeadlineList.call(list, now)) {
      due.interruptUnsafe()
    }
    return list.first === undefined
      ? Effect.void
      // a timer may fire a little early: look again
      : Effect.flatMap(clock.sleep(Duration.millis(Math.ceil(list.first.at - now))), () => watch)
  })

  const arm = (): void => {
    const fiber = Effect.runForkWith(context)(watch)
    armed = fiber
    fiber.addObserver(() => {
      armed = undefined
      // an observer of somebody's call threw: the others are still to be ended
      if (list.first !== undefined) arm()
    })
  }

  const settle = (): void => {
    isResting = false
    if (list.first !== undefined) return
    onIdle()
    armed?.interruptUnsafe()
  }

  return {
    enter: (at, child) => {
      const entry = DeadlineList.enter(list, at, child)
      if (armed === undefined) arm()
      return entry
    },
    rest: () => {
      if (isResting || list.first !== undefined) return
      isResting = true
      dispatcher.scheduleTask(settle, 0)
    }
  }
}

const timers = new WeakMap<Clock.Clock, Map<number, Timer>>()

// a timer is in the map while somebody uses it, so there are never more than calls under way
const timerOf = (clock: Clock.Clock, duration: number, scheduler: Scheduler.Scheduler): Timer => {
  let byDuration = timers.get(clock)
  if (byDuration === undefined) timers.set(clock, byDuration = new Map())
  let timer = byDuration.get(duration)
  if (timer === undefined) {
    const ofClock = byDuration
    byDuration.set(duration, timer = make(clock, scheduler, () => ofClock.delete(duration)))
  }
  return timer
}

// a finalizer that dies is not to go unheard
const diesOf = (exit: Exit.Exit<unknown, unknown>): Cause.Cause<never> | undefined =>
  Exit.isFailure(exit) && Cause.hasDies(exit.cause)
    ? Cause.fromReasons(exit.cause.reasons.filter(Cause.isDieReason))
    : undefined

const late = <E>(exit: Exit.Exit<unknown, unknown>, failure: E): Exit.Exit<never, E> => {
  const dies = diesOf(exit)
  return dies === undefined ? Exit.fail(failure) : Exit.failCause(Cause.combine(Cause.fail(failure), dies))
}

/**
 * Runs an effect for so many milliseconds from `now` at most: then it is
 * interrupted, and once its finalizers have run, what comes out is the failure.
 *
 * An interrupt of the caller stays one, and waits for the finalizers as well.
 *
 * @category combinators
 * @since 0.1.0
 */
export const run = <A, E, R, E2>(
  self: Effect.Effect<A, E, R>,
  context: Context.Context<R>,
  clock: Clock.Clock,
  now: number,
  duration: number,
  failure: () => E2
): Effect.Effect<A, E | E2> =>
  // fork and finalizer are one step: no interrupt can fall between the two
  Effect.callback<A, E | E2>(function(resume) {
    const child = Effect.runForkWith(context)(self)
    const exit = child.pollUnsafe()
    if (exit !== undefined) return resume(exit)
    const timer = timerOf(clock, duration, this)
    const entry = timer.enter(now + duration, child)
    child.addObserver((exit) => {
      const isInTime = DeadlineList.leave(entry)
      timer.rest()
      resume(isInTime ? exit : late(exit, failure()))
    })
    return Effect.suspend(() => {
      DeadlineList.leave(entry)
      child.interruptUnsafe()
      return Effect.flatMap(Fiber.await(child), (exit) => {
        const dies = diesOf(exit)
        return dies === undefined ? Effect.void : Effect.failCause(dies)
      })
    })
  })
