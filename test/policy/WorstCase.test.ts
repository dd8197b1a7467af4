import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Clock, Effect, Fiber, Schedule } from "effect"
import { Hedge, Idempotent } from "effect-relay"
import { TestClock } from "effect/testing"
import type { Description } from "../../src/policy/Description.ts"
import * as WorstCase from "../../src/policy/WorstCase.ts"
import * as Law from "../Law.ts"

type Fold = (stack: ReadonlyArray<Description>) => WorstCase.WorstCase

/** What the call itself does, each time: it fails after so many milliseconds, or hangs. */
type Body = number | "hangs"

const retry = (maxAttempts: number, gap: number): Description => ({
  _tag: "Retry",
  maxAttempts,
  maxDelay: (maxAttempts - 1) * gap,
  retriesOpenCircuit: false,
  hasBudget: false
})
const timeout = (duration: number): Description => ({ _tag: "Timeout", duration })
const deadline = (duration: number): Description => ({ _tag: "Deadline", duration })
const hedge = (maxCopies: number, delay: number): Description => ({ _tag: "Hedge", maxCopies, delay })
const bulkhead = (maxQueued: number, maxWait: number): Description => ({
  _tag: "Bulkhead",
  key: "k",
  maxConcurrent: 1,
  maxQueued,
  maxWait
})

const retries = Arbitrary.map(Arbitrary.all([Law.int(1, 3), Law.int(0, 9)]), ([times, gap]) => retry(times, gap))
const hedges = Arbitrary.map(Arbitrary.all([Law.int(2, 3), Law.int(1, 40)]), ([copies, delay]) => hedge(copies, delay))
const queues = Arbitrary.map(Arbitrary.all([Law.int(0, 1), Law.int(0, 20)]), ([places, wait]) => bulkhead(places, wait))
const bounds = Arbitrary.map(
  Arbitrary.all([Law.oneOf(true, false), Law.int(1, 150)]),
  ([isTimeout, duration]) => isTimeout ? timeout(duration) : deadline(duration)
)

const pick = (...kinds: ReadonlyArray<Arbitrary.Arbitrary<Description>>): Arbitrary.Arbitrary<Description> =>
  Arbitrary.flatMap(Law.int(0, kinds.length - 1), (index) => kinds[index]!)

const bodies: Arbitrary.Arbitrary<Body> = Arbitrary.map(
  Law.int(-20, 60),
  (takes): Body => takes < 0 ? "hangs" : takes
)

const any = Arbitrary.all({ stack: Law.list(pick(retries, hedges, queues, bounds), 4), body: bodies })

/** Each attempt ends at its timeout, and nothing else cuts anything short. */
const hanging = Arbitrary.map(
  Arbitrary.all([Law.int(1, 40), Law.list(pick(retries, hedges, queues), 3)]),
  ([duration, rest]): { readonly stack: ReadonlyArray<Description>; readonly body: Body } => ({
    stack: [timeout(duration), ...rest],
    body: "hangs"
  })
)

/** The reference: the stack as it runs. Whoever waits for a slot gets it at the last moment. */
const applied = (
  policy: Description,
  self: Effect.Effect<unknown, string>
): Effect.Effect<Effect.Effect<unknown, string>> => {
  switch (policy._tag) {
    case "Timeout":
    case "Deadline":
      return Effect.succeed(
        Effect.timeoutOrElse(self, { duration: policy.duration, orElse: () => Effect.fail("time is up") })
      )
    case "Retry": {
      const gap = policy.maxAttempts === 1 ? 0 : policy.maxDelay / (policy.maxAttempts - 1)
      return Effect.succeed(Effect.retry(self, { schedule: Schedule.spaced(gap), times: policy.maxAttempts - 1 }))
    }
    case "Hedge":
      return Effect.map(
        Effect.orDie(Hedge.make({ delay: policy.delay, maxCopies: policy.maxCopies, burst: 1000 })),
        ({ protect }) => protect(self)
      )
    case "Bulkhead":
      return Effect.succeed(policy.maxQueued === 0 ? self : Effect.delay(self, policy.maxWait))
    default:
      return Effect.die(`no interpreter for ${policy._tag}`)
  }
}

const longest = 10_000

/** Runs a stack in virtual time, and counts. */
const run = (stack: ReadonlyArray<Description>, body: Body): Effect.Effect<WorstCase.WorstCase> =>
  Effect.gen(function*() {
    const from = yield* Clock.currentTimeMillis
    let attempts = 0
    let running = 0
    let atOnce = 0
    let time = Infinity
    let whole: Effect.Effect<unknown, string> = Effect.suspend(() => {
      attempts++
      atOnce = Math.max(atOnce, ++running)
      return Effect.onExit(
        body === "hangs" ? Effect.never : Effect.andThen(Effect.sleep(body), Effect.fail("down")),
        () => Effect.sync(() => running--)
      )
    })
    for (const policy of stack) whole = yield* applied(policy, whole)
    const fiber = yield* Idempotent.mark(whole).pipe(
      Effect.onExit(() =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          time = now - from
        })
      ),
      Effect.forkChild({ startImmediately: true })
    )
    yield* TestClock.adjust(longest)
    if (fiber.pollUnsafe() === undefined) {
      yield* Fiber.interrupt(fiber)
      time = Infinity
    }
    return { attempts, atOnce, time }
  })

const isNoMore =
  (fold: Fold) => ({ body, stack }: { readonly stack: ReadonlyArray<Description>; readonly body: Body }) =>
    Effect.map(run(stack, body), (seen) => {
      const worst = fold(stack)
      assert.isAtMost(seen.attempts, worst.attempts)
      assert.isAtMost(seen.atOnce, worst.atOnce)
      assert.isAtMost(seen.time, worst.time)
    })

// what ends when a copy is due ends before it
const hasTie = (stack: ReadonlyArray<Description>): boolean =>
  stack.some((policy, index) => policy._tag === "Hedge" && WorstCase.of(stack.slice(0, index)).time === policy.delay)

const isReached =
  (fold: Fold) => ({ body, stack }: { readonly stack: ReadonlyArray<Description>; readonly body: Body }) =>
    Effect.map(run(stack, body), ({ attempts, time }) => {
      const worst = fold(stack)
      if (!hasTie(stack)) assert.deepStrictEqual({ attempts, time }, { attempts: worst.attempts, time: worst.time })
    })

describe("WorstCase", () => {
  it.effect.prop(
    "is never less than what happens, whatever the call does",
    [any],
    ([it]) => isNoMore(WorstCase.of)(it),
    Law.check(150)
  )

  it.effect.prop(
    "is what happens when each attempt hangs until its timeout",
    [hanging],
    ([it]) => isReached(WorstCase.of)(it),
    Law.check(150)
  )

  it("takes nothing, for ever, for nothing", () => {
    const endless: Description = { ...retry(1, 0), _tag: "Retry", maxAttempts: Infinity } as Description
    assert.deepStrictEqual(WorstCase.of([timeout(0), endless]), { attempts: Infinity, atOnce: 1, time: 0 })
  })

  type Within = typeof WorstCase.within
  const folding = (within: Within): Fold => (stack) =>
    stack.reduce((inside, policy) => within(policy, inside), WorstCase.call)
  const broken: ReadonlyArray<readonly [string, Within]> = [
    [
      "forgets the waits between attempts",
      (policy, inside) => WorstCase.within(policy._tag === "Retry" ? { ...policy, maxDelay: 0 } : policy, inside)
    ],
    [
      "counts a retry less",
      (policy, inside) =>
        WorstCase.within(policy._tag === "Retry" ? { ...policy, maxAttempts: policy.maxAttempts - 1 } : policy, inside)
    ],
    ["takes hedging for free", (policy, inside) => policy._tag === "Hedge" ? inside : WorstCase.within(policy, inside)],
    ["lets every hedge begin", (policy, inside) =>
      policy._tag === "Hedge"
        ? { ...WorstCase.within(policy, inside), attempts: inside.attempts * policy.maxCopies }
        : WorstCase.within(policy, inside)],
    ["forgets the queue", (policy, inside) => policy._tag === "Bulkhead" ? inside : WorstCase.within(policy, inside)],
    [
      "lets everybody queue",
      (policy, inside) => WorstCase.within(policy._tag === "Bulkhead" ? { ...policy, maxQueued: 1 } : policy, inside)
    ],
    [
      "ends too early",
      (policy, inside) => WorstCase.within(policy._tag === "Timeout" ? timeout(policy.duration - 1) : policy, inside)
    ]
  ]
  it.effect.each(broken)("is told from one that %s", ([, within]) =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        hanging,
        (it) =>
          Effect.as(isReached(folding(within))(it), true).pipe(
            Effect.catchDefect((defect) => Effect.fail(defect as Error))
          ),
        { ...Law.check(300).arbitrary, maxShrinks: 0 }
      )
      if (result._tag !== "Falsified" || result.failure._tag !== "PropertyError") return assert.fail(result._tag)
      assert.strictEqual(result.failure.error.name, "AssertionError")
    }))
})
