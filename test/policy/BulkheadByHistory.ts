/**
 * What a bulkhead ought to do, found the slow way: everybody who is inside stands in a list, and every
 * question is answered by sorting it again.
 */
import { assert } from "@effect/vitest"
import * as Overload from "../../src/machine/Overload.ts"
import * as Pace from "../../src/machine/Pace.ts"
import type * as Crowd from "./Crowd.ts"

export interface Caller extends Crowd.Caller {
  readonly priority: 0 | 1 | 2 | 3
  readonly weight: number
  /** How long after its arrival its deadline is. */
  readonly deadline: number | undefined
}

export interface Limits {
  readonly maxConcurrent: number
  readonly maxQueued: number
  readonly maxWait: number
  readonly order: "fifo" | "lifo" | "adaptive"
  readonly oldestEvery: number
  readonly codelTarget: number
  readonly codelInterval: number
}

interface Inside {
  readonly who: number
  readonly level: number
  readonly weight: number
  readonly arrivedAt: number
  /** When it has to leave, and why. */
  readonly until: number
  readonly reason: string
}

const sumOf = (list: ReadonlyArray<Inside>): number => list.reduce((sum, { weight }) => sum + weight, 0)

/** Reads all that happened, and says where it is not as it ought to be. `callerOf` is by visit, `sizes` by act. */
export const check = (
  limits: Limits,
  callerOf: (who: number) => Caller,
  sizes: ReadonlyArray<number>,
  { events, visits }: Crowd.Account
): void => {
  const pace = Pace.make()
  const overload = Overload.make()
  const rule = { target: limits.codelTarget, interval: limits.codelInterval }
  let limit = limits.maxConcurrent
  let running: ReadonlyArray<Inside> = []
  let waiting: ReadonlyArray<Inside> = []
  /** Who has its slots by now, and has not been seen to start. */
  const granted: Array<number> = []
  /** Who is to leave now, and why. */
  const refused = new Map<number, string>()
  let turns = 0
  let newestFirst = limits.order === "lifo"

  const fits = (weight: number) => sumOf(running) + weight <= limit || running.length === 0
  const look = (now: number) => {
    if (limits.order !== "adaptive") return
    const since = Math.min(now, ...waiting.map(({ arrivedAt }) => arrivedAt))
    Overload.observe(overload, now - since, now, rule)
    newestFirst = Overload.isStanding(overload, now, rule)
  }
  const ahead = (a: Inside, b: Inside) => {
    if ((turns + 1) % limits.oldestEvery === 0) return a.who - b.who
    return a.level - b.level || (newestFirst ? b.who - a.who : a.who - b.who)
  }
  const emptied = () => {
    if (waiting.length === 0) overload.since = Infinity
  }
  const start = (inside: Inside) => {
    running = [...running, inside]
    granted.push(inside.who)
  }
  const serve = (now: number) => {
    while (waiting.length > 0 && fits(1)) {
      look(now)
      const next = waiting.toSorted(ahead)[0]!
      if (!fits(next.weight)) return
      waiting = waiting.filter((other) => other !== next)
      Pace.observe(pace, next.weight, now, limit)
      turns++
      emptied()
      start(next)
    }
  }
  const goesFirst = (level: number) =>
    waiting.filter((other) => newestFirst ? other.level < level : other.level <= level)
  const arrive = (who: number, now: number) => {
    const { deadline = Infinity, priority: level, weight } = callerOf(who)
    const inside = (until: number, reason: string) => ({ who, level, weight, arrivedAt: now, until, reason })
    if (weight > limit) return refused.set(who, "InvalidArgument")
    if (waiting.length === 0 && fits(weight)) return start(inside(Infinity, ""))
    if (waiting.length >= limits.maxQueued) return refused.set(who, "BulkheadFull Full")
    const end = Pace.expected(pace, sumOf(goesFirst(level)) + weight + limit, now, limit)
    if (deadline <= 0 || (end !== undefined && end > deadline)) return refused.set(who, "BulkheadFull TooLate")
    if (waiting.length === 0) Pace.begin(pace, now)
    const isUrgent = deadline < limits.maxWait
    const reason = isUrgent ? "BulkheadFull TooLate" : "BulkheadFull WaitedTooLong"
    waiting = [...waiting, inside(now + (isUrgent ? deadline : limits.maxWait), reason)]
    look(now)
    serve(now)
    if (limits.maxWait === 0 && waiting.some((other) => other.who === who)) leave(who)
  }
  const leave = (who: number) => {
    const gone = waiting.find((other) => other.who === who)
    if (gone === undefined) return
    waiting = waiting.filter((other) => other !== gone)
    emptied()
    refused.set(who, gone.reason)
  }

  let before = 0
  for (const { at: now, what, who } of events) {
    // in one moment those who were served may end before the next are seen to start
    if (now > before) assert.deepStrictEqual(granted, [], `before ${now} somebody waits beside a free slot`)
    before = now
    for (const { until } of waiting) assert.isAtLeast(until, now, "nobody waits longer than allowed")
    if (what === "Starts") {
      assert.strictEqual(who, granted.shift(), `at ${now} it is somebody else's turn`)
      continue
    }
    if (what === "Leaves") leave(who)
    if (what === "Arrives") arrive(who, now)
    else if (what === "Ends") {
      running = running.filter((other) => other.who !== who)
      serve(now)
    } else if (what === "IsInterrupted") {
      if (waiting.some((other) => other.who === who)) {
        waiting = waiting.filter((other) => other.who !== who)
        emptied()
        serve(now)
      }
    } else if (what === "Acts") {
      limit = sizes[who]!
      serve(now)
    } else if (visits[who]!.outcome.startsWith("BulkheadFull") || visits[who]!.outcome === "InvalidArgument") {
      assert.strictEqual(visits[who]!.outcome, refused.get(who), `at ${now} it is refused for another reason`)
      refused.delete(who)
      // those whose time is up leave together, and then the others are looked at
      if (waiting.every(({ until }) => until > now)) serve(now)
    }
  }
  assert.deepStrictEqual([granted, waiting, running, [...refused]], [[], [], [], []], "nobody is left inside")
}
