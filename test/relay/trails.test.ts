/** Every failure of a relay, and every answer, knows the attempts that led to it, whichever way the call went. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { type RelayError, type RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, body, make, status, stream } = ScriptedEndpoint

interface Scenario {
  /** What each of two endpoints does. */
  readonly steps: readonly [ScriptedEndpoint.Step, ScriptedEndpoint.Step]
  readonly before?: Effect.Effect<unknown, unknown, Trial.Services>
  readonly options?: RelayService.ChatOptions
  /** What the trail says of each, in whichever order. */
  readonly outcomes: ReadonlyArray<string>
}

const both = (step: ScriptedEndpoint.Step) => [step, step] as const
const later = { delay: "3 seconds" } as const
const twice = (tag: string) => [tag, tag]
const isolate = Effect.flatMap(
  Trial.relay,
  ({ endpoints }) => Effect.andThen(endpoints.isolate("a"), endpoints.isolate("b"))
)
const occupy = Effect.flatMap(
  Trial.relay,
  ({ execute }) => Effect.all([1, 2].map(() => Trial.start(execute(() => Effect.never, { hedge: false }))))
)

const scenarios: { readonly [Tag in RelayError.RelayError["_tag"]]: Scenario } = {
  RateLimited: { steps: both(status(429, { ...later, retryAfter: 9 })), outcomes: twice("RateLimited") },
  QuotaExceeded: {
    steps: both(status(429, { ...later, code: "insufficient_quota" })),
    outcomes: twice("QuotaExceeded")
  },
  CircuitOpen: { steps: both(answer("never")), before: isolate, outcomes: twice("CircuitOpen") },
  BulkheadFull: { steps: both(answer("never")), before: occupy, outcomes: twice("BulkheadFull") },
  EndpointUnavailable: { steps: both(status(503, later)), outcomes: twice("EndpointUnavailable") },
  InvalidResponse: { steps: both(body("", later)), outcomes: twice("InvalidResponse") },
  Unauthorized: { steps: both(status(401, later)), outcomes: twice("Unauthorized") },
  ModelNotFound: { steps: both(status(404, later)), outcomes: twice("ModelNotFound") },
  ContextTooLong: {
    steps: both(status(400, { ...later, code: "context_length_exceeded" })),
    outcomes: twice("ContextTooLong")
  },
  ContentRefused: { steps: both(status(400, { ...later, code: "content_filter" })), outcomes: ["ContentRefused"] },
  RequestRejected: { steps: both(status(400, later)), outcomes: ["RequestRejected"] },
  DeadlineExceeded: { steps: both(answer("late", later)), options: { deadline: 2000 }, outcomes: ["DeadlineExceeded"] },
  BudgetExceeded: {
    steps: both(answer("never")),
    options: { budget: { tokens: 1 } },
    outcomes: twice("BudgetExceeded")
  },
  RelayExhausted: {
    steps: [status(503, later), status(401, later)],
    outcomes: ["EndpointUnavailable", "Unauthorized"]
  }
}

const tags = Object.keys(scenarios) as ReadonlyArray<RelayError.RelayError["_tag"]>

const over = ({ steps: [a, b] }: Scenario, hedge?: Trial.Options["hedge"]) =>
  Effect.provide(Trial.over([make("a", [a]), make("b", [b])], {
    retry: Retry.none,
    maxWait: 0,
    bulkhead: { maxConcurrent: 1, maxQueued: 0 },
    hedge
  }))

const cached: RelayService.ChatOptions = { tenant: "acme", cache: true }

const outcomesOf = ({ attempts }: { readonly attempts: RelayError.RelayError["attempts"] }) =>
  attempts.map(({ outcome }) => outcome)

describe("the trail of a failure", () => {
  it.effect.each(tags)("is there: %s", (tag) =>
    Effect.gen(function*() {
      const { before = Effect.void, options, outcomes } = scenarios[tag]
      yield* before
      const failure = yield* Trial.whatever(Trial.failure(options))
      assert.strictEqual(failure._tag, tag)
      assert.sameMembers(outcomesOf(failure), [...outcomes])
    }).pipe(over(scenarios[tag])))

  it.effect.each(tags)(
    "is there for who asked through the cache, and for who joined: %s",
    (tag) =>
      Effect.gen(function*() {
        const { before = Effect.void, options, outcomes } = scenarios[tag]
        yield* before
        const asker = yield* Trial.start(Trial.failure({ ...options, ...cached }))
        // who joins has more time and all the money, so that it is the call itself that fails
        const joiner = yield* Trial.start(Trial.failure({ ...cached }))
        const isAskersOwn = tag === "DeadlineExceeded" || tag === "BudgetExceeded"
        for (const fiber of isAskersOwn ? [asker] : [asker, joiner]) {
          const failure = yield* Trial.whatever(Fiber.join(fiber))
          assert.strictEqual(failure._tag, tag)
          assert.sameMembers(outcomesOf(failure), [...outcomes])
        }
        yield* Fiber.interrupt(joiner)
      }).pipe(over(scenarios[tag]))
  )

  it.effect.each(tags)("is there when the call was hedged, with every copy: %s", (tag) =>
    Effect.gen(function*() {
      const { before = Effect.void, options } = scenarios[tag]
      yield* before
      const failure = yield* Trial.whatever(Trial.failure(options))
      assert.strictEqual(failure._tag, tag)
      const outcomes = outcomesOf(failure)
      assert.lengthOf(outcomes, 2)
      assert.include(outcomes, tag === "RelayExhausted" ? "Unauthorized" : tag)
      const asked = failure.attempts.map(({ endpoint }) => endpoint)
      assert.sameMembers(asked, ["a", "b"])
    }).pipe(over(scenarios[tag], { delay: "1 second" })))

  it.effect.each(tags)("crosses to whoever listens, the same: %s", (tag) =>
    Effect.gen(function*() {
      const { before = Effect.void, options } = scenarios[tag]
      yield* before
      const heard = yield* Trial.listen
      const failure = yield* Trial.whatever(Trial.failure(options))
      const told = heard.find(({ _tag }) => _tag === "CallFailed")
      assert.deepInclude(told, { failure: tag, attempts: failure.attempts })
    }).pipe(over(scenarios[tag]), Effect.scoped))

  it.effect("is that of the outer call where calls are nested", () =>
    Effect.gen(function*() {
      const relay = yield* Trial.relay
      const failure = yield* Effect.flip(relay.execute(() => relay.chat(Trial.hi)))
      assert.strictEqual(failure._tag, "EndpointUnavailable")
      assert.deepStrictEqual(outcomesOf(failure), twice("EndpointUnavailable"))
      assert.deepStrictEqual(yield* Trial.counts("a", "b"), [2, 2])
    }).pipe(Effect.provide(
      Trial.over([make("a", [status(503)]), make("b", [status(503)])], { retry: Retry.none })
    )))

  it.effect("is that of the outer call also where an answer was broken off inside of it", () =>
    Effect.gen(function*() {
      const relay = yield* Trial.relay
      const read = Stream.runDrain(relay.stream(Trial.hi))
      assert.deepStrictEqual(outcomesOf(yield* Effect.flip(read)), ["InvalidResponse"])
      const failure = yield* Effect.flip(relay.execute(() => read))
      assert.deepInclude(failure, { _tag: "StreamInterrupted", text: "Half", because: "InvalidResponse" })
      assert.deepStrictEqual(outcomesOf(failure), ["StreamInterrupted"])
    }).pipe(Effect.provide(Trial.over([make("a", [stream(["Half"], { end: "reset" })])], { retry: Retry.none }))))

  it.effect("is empty where nobody was asked", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* Trial.failure({ deadline: 0 })).attempts, [])
      assert.deepStrictEqual((yield* Trial.failure({}, { ...Trial.hi, messages: [] })).attempts, [])
    }).pipe(over(scenarios.RateLimited)))
})

describe("the trail of an answer", () => {
  const answers = { steps: [status(503), answer("Hello.")], outcomes: [] } satisfies Scenario

  it.effect("ends with the success, and is empty for who found the answer or waited for somebody else's call", () =>
    Effect.gen(function*() {
      yield* Effect.flatMap(Trial.relay, ({ endpoints }) => endpoints.isolate("a"))
      yield* Trial.play("b", answer("Hello.", later))
      const asker = yield* Trial.start(Trial.chat(cached))
      const joiner = yield* Trial.start(Trial.chat(cached))
      const { meta } = yield* Trial.whatever(Fiber.join(asker))
      assert.strictEqual(outcomesOf(meta).at(-1), "Success")
      assert.deepStrictEqual([meta.cache, meta.attempts.filter(({ sent }) => sent).length], ["miss", 1])
      for (const call of [Fiber.join(joiner), Trial.chat(cached)]) {
        const { meta } = yield* call
        assert.deepStrictEqual([meta.cache, meta.attempts], ["hit", []])
      }
    }).pipe(over(answers)))
})
