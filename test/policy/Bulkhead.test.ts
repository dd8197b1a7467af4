import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Exit, Semaphore } from "effect"
import { Bulkhead } from "effect-relay"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"

const options = Arbitrary.all({
  maxConcurrent: Law.int(1, 3),
  maxQueued: Law.int(0, 4),
  maxWait: Law.int(0, 30)
})

interface Limits {
  readonly maxConcurrent: number
  readonly maxQueued: number
  readonly maxWait: number
}

const holds = ({ maxConcurrent, maxQueued, maxWait }: Limits, account: Crowd.Account): void => {
  assert.isAtMost(account.peak, maxConcurrent, "no more run at once")
  const order = account.served.map((visit) => account.visits.indexOf(visit))
  assert.deepStrictEqual(order, order.toSorted((a, b) => a - b), "first come, first served")
  for (const visit of account.visits) {
    const waitedUntil = visit.started ?? visit.left
    const waited = waitedUntil - visit.arrived
    assert.isAtMost(waited, maxWait, "nobody waits longer than allowed")
    if (visit.outcome === "BulkheadFull WaitedTooLong") assert.strictEqual(waited, maxWait)
    if (visit.outcome === "BulkheadFull Full") {
      assert.strictEqual(waited, 0)
      const before = account.visits.slice(0, account.visits.indexOf(visit))
      const there = before.filter((other) => other.left >= visit.arrived).length
      assert.isAtLeast(there, maxConcurrent + maxQueued, "refused only when full")
    }
    for (const [at, running] of account.running) {
      if (at >= visit.arrived && at < waitedUntil) {
        assert.strictEqual(running, maxConcurrent, "nobody waits beside a free slot")
      }
    }
  }
}

describe("Bulkhead", () => {
  it.effect.prop(
    "bounds what runs, serves first come first served, and is empty in the end, whoever is interrupted when",
    [options, Crowd.callers(25, 60)],
    ([options, callers]) =>
      Effect.gen(function*() {
        const bulkhead = yield* Bulkhead.make(options)
        const account = yield* Crowd.admit(callers, bulkhead.protect, (inside) => {
          const { queued, running } = bulkhead.snapshotUnsafe()
          assert.strictEqual(running + queued, inside, "what was held is back before the interrupt returns")
        })
        holds(options, account)
        assert.include(yield* bulkhead.state, { running: 0, queued: 0 })
        assert.deepStrictEqual(account.visits.filter(({ outcome }) => outcome === "Defect"), [])
      }),
    Law.check(150)
  )

  it.effect("loses no slot and forgets no waiter, wherever the scheduler steps in and the interrupt falls", () =>
    Crowd.interruptAnywhere(
      Effect.map(Bulkhead.make({ maxConcurrent: 1, maxQueued: 2 }), (bulkhead) => ({
        protect: bulkhead.protect,
        check: (fibers, victim) =>
          Effect.sync(() => {
            assert.include(bulkhead.snapshotUnsafe(), { running: 0, queued: 0 })
            const others = fibers.filter((_, caller) => caller !== victim)
            for (const fiber of others) assert.isTrue(Exit.isSuccess(fiber.pollUnsafe() ?? Exit.interrupt()))
          })
      }))
    ))

  it.effect("is told from a semaphore, which lets everybody wait for ever", () =>
    Effect.gen(function*() {
      const semaphore = yield* Semaphore.make(1)
      const callers = Array.from({ length: 4 }, () => ({ arrives: 0, works: 20, patience: undefined }))
      const account = yield* Crowd.admit(callers, Semaphore.withPermit(semaphore))
      assert.throws(
        () => holds({ maxConcurrent: 1, maxQueued: 1, maxWait: 30 }, account),
        "nobody waits longer than allowed"
      )
    }))

  it.effect("is told from a bulkhead that takes its slot before its finalizer stands", () =>
    Effect.gen(function*() {
      let lost = 0
      yield* Crowd.interruptAnywhere(
        Effect.sync(() => {
          let running = 0
          return {
            protect: (work) =>
              Effect.suspend(() => {
                running++
                return Effect.onExit(work, () => Effect.sync(() => running--))
              }),
            check: () => Effect.sync(() => lost += running)
          }
        })
      )
      assert.isAbove(lost, 0)
    }))
})
