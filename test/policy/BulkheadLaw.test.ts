import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect } from "effect"
import { Bulkhead, Deadline } from "effect-relay"
import * as Now from "../../src/policy/Now.ts"
import * as Law from "../Law.ts"
import * as BulkheadByHistory from "./BulkheadByHistory.ts"
import * as Crowd from "./Crowd.ts"

interface Case {
  readonly limits: BulkheadByHistory.Limits
  readonly callers: ReadonlyArray<BulkheadByHistory.Caller>
  readonly resizes: ReadonlyArray<{ readonly at: number; readonly to: number }>
}

const seldom = (...values: ReadonlyArray<number>): Arbitrary.Arbitrary<number | undefined> =>
  Arbitrary.map(
    Arbitrary.all([Law.oneOf(true, false), Law.oneOf(...values)]),
    ([isGiven, value]) => isGiven ? value : undefined
  )

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  limits: Arbitrary.all({
    maxConcurrent: Law.int(1, 4),
    maxQueued: Law.oneOf(0, 2, 5, 20),
    maxWait: Law.oneOf(0, 10, 30, 100),
    order: Law.oneOf("fifo", "fifo", "lifo", "adaptive"),
    oldestEvery: Law.oneOf(1, 2, 3, 8),
    codelTarget: Law.oneOf(0, 2, 5),
    codelInterval: Law.oneOf(0, 5, 20)
  }),
  callers: Law.list(
    Arbitrary.all({
      arrives: Law.int(0, 60),
      works: Law.oneOf(0, 1, 3, 10, 20),
      patience: seldom(0, 3, 10, 25),
      priority: Law.oneOf(0, 1, 2, 3),
      weight: Law.oneOf(1, 1, 1, 2, 3),
      deadline: seldom(-1, 0, 5, 20, 50)
    }),
    30
  ),
  resizes: Law.list(Arbitrary.all({ at: Law.int(0, 60), to: Law.int(1, 5) }), 3)
})

/** Many who come close together and are alike, so that the line is long and its order matters. */
const crowds: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  limits: Arbitrary.all({
    maxConcurrent: Law.int(1, 2),
    maxQueued: Arbitrary.Constant(50),
    maxWait: Law.oneOf(50, 200),
    order: Arbitrary.Constant("adaptive" as const),
    oldestEvery: Law.oneOf(3, 8, 1000),
    codelTarget: Law.oneOf(2, 5, 10),
    codelInterval: Law.oneOf(5, 20, 40)
  }),
  callers: Law.list(
    Arbitrary.all({
      arrives: Law.int(0, 80),
      works: Law.oneOf(3, 5, 8),
      patience: Arbitrary.Constant(undefined),
      priority: Law.oneOf(0, 1, 1, 1),
      weight: Arbitrary.Constant(1),
      deadline: Arbitrary.Constant(undefined)
    }),
    30,
    10
  ),
  resizes: Arbitrary.Constant([])
})

/** Lets the callers of a case into a bulkhead as `wrong` would have it, and reads what happened by the case itself. */
const keepsTheLaw = (wrong: (it: Case) => Case) => (it: Case) =>
  Effect.gen(function*() {
    const { callers, limits, resizes } = wrong(it)
    const bulkhead = yield* Bulkhead.make(limits)
    const byVisit: Array<number> = []
    const account = yield* Crowd.admit(
      callers,
      (work, caller) =>
        Effect.suspend(() => {
          byVisit.push(callers.indexOf(caller))
          const { deadline, priority, weight } = caller
          const call = bulkhead.protectWith({ priority, weight })(work)
          return deadline === undefined ? call : Effect.flatMap(
            Now.current,
            (now) => Effect.provideService(call, Deadline.CurrentDeadline, now + deadline)
          )
        }),
      (inside) => {
        const { queued, running } = bulkhead.snapshotUnsafe()
        assert.strictEqual(running + queued, inside, "what was held is back before the interrupt returns")
      },
      resizes.map(({ at, to }) => ({ at, act: Effect.orDie(bulkhead.resize(to)) }))
    )
    assert.deepStrictEqual(account.visits.filter(({ outcome }) => outcome === "Defect"), [])
    assert.include(yield* bulkhead.state, { running: 0, weight: 0, queued: 0 })
    BulkheadByHistory.check(it.limits, (who) => it.callers[byVisit[who]!]!, it.resizes.map(({ to }) => to), account)
  })

describe("the law of Bulkhead", () => {
  it.effect.prop(
    "is a list that is sorted for every turn, whoever comes, is resized, runs out of time or is interrupted when",
    [cases],
    ([it]) => keepsTheLaw((it) => it)(it),
    Law.check(500)
  )

  it.effect.prop(
    "is the same list in a crowd, where an overload comes to stand and ends",
    [crowds],
    ([it]) => keepsTheLaw((it) => it)(it),
    Law.check(200)
  )

  const limits = (change: (limits: BulkheadByHistory.Limits) => Partial<BulkheadByHistory.Limits>) => (it: Case) => ({
    ...it,
    limits: { ...it.limits, ...change(it.limits) }
  })
  const callers = (change: Partial<BulkheadByHistory.Caller>) => (it: Case) => ({
    ...it,
    callers: it.callers.map((caller) => ({ ...caller, ...change }))
  })
  const broken: ReadonlyArray<readonly [string, (it: Case) => Case]> = [
    ["lets one more run", limits(({ maxConcurrent }) => ({ maxConcurrent: maxConcurrent + 1 }))],
    ["lets one more wait", limits(({ maxQueued }) => ({ maxQueued: maxQueued + 1 }))],
    ["lets them wait longer", limits(({ maxWait }) => ({ maxWait: maxWait + 1 }))],
    ["serves the first first, whatever the order", limits(() => ({ order: "fifo" }))],
    ["serves the last first", limits(() => ({ order: "lifo" }))],
    ["takes every wait for an overload", limits(() => ({ codelTarget: 0, codelInterval: 0 }))],
    ["lets the oldest starve", limits(() => ({ oldestEvery: 1_000_000 }))],
    ["knows no priorities", callers({ priority: 1 })],
    ["knows no weights", callers({ weight: 1 })],
    ["knows no deadlines", callers({ deadline: undefined })],
    ["cannot be resized", (it) => ({
      ...it,
      resizes: it.resizes.map(({ at }) => ({ at, to: it.limits.maxConcurrent }))
    })]
  ]
  it.effect.each(broken)(
    "is told from a bulkhead that %s",
    ([, wrong]) => Law.isBrokenEffect(cases, (it) => keepsTheLaw(wrong)(it))
  )
})
