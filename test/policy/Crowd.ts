/** A crowd of callers in virtual time: who came when, who was served when, and how it ended. */
import { Arbitrary, Cause, Clock, Duration, Effect, Exit, Fiber, References } from "effect"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"

/** One who wants something done. Times are milliseconds. */
export interface Caller {
  readonly arrives: number
  readonly works: number
  /** How long after its arrival it is interrupted, wherever it is then. */
  readonly patience: number | undefined
}

/** What became of a caller, in order of arrival. */
export interface Visit {
  readonly arrived: number
  started: number | undefined
  left: number
  /** `"Success"`, `"Interrupted"`, or the tag of the failure and its reason. */
  outcome: string
}

/** What happened, in order; `who` is a visit, or the number of an act. One who starts has what it waited for. */
export interface Event {
  readonly at: number
  readonly what: "Arrives" | "Starts" | "Ends" | "Leaves" | "IsInterrupted" | "Acts"
  readonly who: number
}

/** What became of all. */
export interface Account {
  readonly visits: ReadonlyArray<Visit>
  readonly events: ReadonlyArray<Event>
  /** The visits that were served, in order of service. */
  readonly served: ReadonlyArray<Visit>
  /** How many were being served after everything that happened at a time had happened. */
  readonly running: ReadonlyMap<number, number>
  /** The most that were ever served at once. */
  readonly peak: number
}

/** Callers that come within `horizon` milliseconds, some of whom are interrupted. */
export const callers = (most: number, horizon: number): Arbitrary.Arbitrary<ReadonlyArray<Caller>> =>
  Law.list(
    Arbitrary.map(
      Arbitrary.all([Law.int(0, horizon), Law.int(0, 20), Law.oneOf(true, false, false), Law.int(0, 30)]),
      ([arrives, works, hasty, patience]) => ({ arrives, works, patience: hasty ? patience : undefined })
    ),
    most
  )

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "Success"
  if (Cause.hasInterrupts(exit.cause)) return "Interrupted"
  const failure = exit.cause.reasons.find(Cause.isFailReason)?.error as {
    readonly _tag: string
    readonly reason?: string
  }
  return failure === undefined
    ? "Defect"
    : [failure._tag, failure.reason].filter((part) => part !== undefined).join(" ")
}

/** Something else that is done at a time. */
export interface Act {
  readonly at: number
  readonly act: Effect.Effect<void>
}

/** Lets the crowd in, and looks at the policy whenever an interrupt has returned. */
export const admit = <E, C extends Caller>(
  callers: ReadonlyArray<C>,
  protect: (work: Effect.Effect<void>, caller: C) => Effect.Effect<void, E>,
  afterInterrupt: (inside: number, now: number) => void = () => {},
  acts: ReadonlyArray<Act> = []
): Effect.Effect<Account> =>
  Effect.gen(function*() {
    const visits: Array<Visit> = []
    const events: Array<Event> = []
    const visitBy = new Map<C, number>()
    const served: Array<Visit> = []
    const running = new Map<number, number>()
    let now = 0
    let peak = 0
    let atWork = 0
    let inside = 0
    const count = (by: number) => {
      atWork += by
      peak = Math.max(peak, atWork)
      running.set(now, atWork)
    }
    const tick = Effect.map(Clock.currentTimeMillis, (at) => {
      now = at
    })
    const note = (what: Event["what"], who: number) => {
      events.push({ at: now, what, who })
    }
    const visitOf = (caller: C) =>
      Effect.suspend(() => {
        const visit: Visit = { arrived: now, started: undefined, left: NaN, outcome: "Inside" }
        const who = visits.push(visit) - 1
        visitBy.set(caller, who)
        note("Arrives", who)
        inside++
        count(0)
        const start = Effect.sync(() => {
          visit.started = now
          served.push(visit)
          note("Starts", who)
          count(1)
        })
        // one who is served counts until the finalizers have run
        const work = Effect.onExit(
          Effect.andThen(Effect.andThen(tick, start), Effect.sleep(caller.works)),
          () =>
            Effect.andThen(
              tick,
              Effect.sync(() => {
                if (visit.started === undefined) return
                note("Ends", who)
                count(-1)
              })
            )
        )
        return Effect.onExit(protect(work as Effect.Effect<void>, caller), (exit) =>
          Effect.map(tick, () => {
            inside--
            visit.left = now
            visit.outcome = outcomeOf(exit)
            note("Leaves", who)
          }))
      })
    const fibers = yield* Effect.forEach(callers, (caller) =>
      Effect.sleep(caller.arrives).pipe(
        Effect.andThen(tick),
        Effect.andThen(visitOf(caller)),
        Effect.forkChild({ startImmediately: true })
      ))
    yield* Effect.forEach(callers, ({ arrives, patience }, index) =>
      patience === undefined ? Effect.void : Effect.sleep(arrives + patience).pipe(
        Effect.andThen(tick),
        Effect.andThen(Effect.sync(() => {
          const who = visitBy.get(callers[index]!)
          if (who !== undefined) {
            note("IsInterrupted", who)
          }
        })),
        Effect.andThen(Fiber.interrupt(fibers[index]!)),
        Effect.andThen(Clock.currentTimeMillis),
        Effect.map((now) =>
          afterInterrupt(inside, now)
        ),
        Effect.forkChild({ startImmediately: true })
      ))
    yield* Effect.forEach(acts, ({ act, at }, index) =>
      Effect.sleep(at).pipe(
        Effect.andThen(tick),
        Effect.andThen(Effect.sync(() => note("Acts", index))),
        Effect.andThen(act),
        Effect.forkChild({ startImmediately: true })
      ))
    yield* TestClock.adjust(Duration.hours(1))
    yield* Fiber.awaitAll(fibers)
    return { visits, events, served, running, peak }
  })

/** Gives the other fibers so many turns. */
export const turns = (count: number): Effect.Effect<void> =>
  count <= 0 ? Effect.void : Effect.flatMap(Effect.yieldNow, () => turns(count - 1))

/**
 * Three callers, while the scheduler steps in between any two operations: one of them is
 * interrupted, after every number of turns from none on. `check` sees all three once nothing
 * moves any more at a clock that stands still.
 */
export const interruptAnywhere = <E, E2>(
  make: Effect.Effect<{
    readonly protect: (work: Effect.Effect<void>) => Effect.Effect<void, E>
    readonly check: (fibers: ReadonlyArray<Fiber.Fiber<void, unknown>>, victim: number) => Effect.Effect<void>
  }, E2>
): Effect.Effect<void, E2> =>
  Effect.gen(function*() {
    for (const operations of [3, 4, 5, 6, 7, 8]) {
      for (let turn = 0; turn < 30; turn++) {
        for (let victim = 0; victim < 3; victim++) {
          const { check, protect } = yield* make
          const fibers: Array<Fiber.Fiber<void, E>> = []
          for (let caller = 0; caller < 3; caller++) {
            fibers.push(
              yield* Effect.andThen(turns(1), protect(turns(2))).pipe(
                Effect.provideService(References.MaxOpsBeforeYield, operations),
                Effect.forkChild({ startImmediately: true })
              )
            )
          }
          yield* turns(turn)
          yield* Fiber.interrupt(fibers[victim]!)
          for (let left = 100; left > 0 && fibers.some((fiber) => fiber.pollUnsafe() === undefined); left--) {
            yield* Effect.yieldNow
          }
          yield* check(fibers, victim)
          yield* Fiber.interruptAll(fibers)
        }
      }
    }
  })
