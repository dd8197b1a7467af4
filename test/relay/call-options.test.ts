/** What untyped code says about a call, a change or an operation: refused by name, and nothing moves. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Failure, InvalidArgument, RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Api from "./Api.ts"
import * as Trial from "./Trial.ts"

const { answer, make } = ScriptedEndpoint

const flag = "it has to be true or false"
const text = "it has to be a text"
const duration = "it has to be a duration such as \"5 seconds\""
const stranger = "there is no such option"
const object = "it has to be an object"

type Case = readonly [options: unknown, detail: string]

const circular: Record<string, unknown> = {}
circular["self"] = circular

const ofAll: ReadonlyArray<Case> = [
  [{ deadlin: 5 }, `deadlin is 5, but ${stranger}`],
  [{ apiKey: "sk-secret" }, `apiKey is not shown here, but ${stranger}`],
  [{ toString: true }, `toString is true, but ${stranger}`],
  [{ deadline: NaN }, `deadline is NaN, but ${duration}`],
  [{ deadline: "soon" }, `deadline is "soon", but ${duration}`],
  [{ deadline: null }, `deadline is null, but ${duration}`],
  [{ deadline: {} }, `deadline is object, but ${duration}`],
  [{ deadline: { second: 5 } }, `deadline is object, but ${duration}`],
  [{ deadline: circular }, `deadline is object, but ${duration}`],
  [{ deadline: [1] }, `deadline is array, but ${duration}`],
  [{ deadline: true }, `deadline is true, but ${duration}`],
  [{ deadline: Symbol("soon") }, `deadline is symbol, but ${duration}`],
  [{ hedge: "x" }, `hedge is "x", but ${flag}`],
  [{ hedge: null }, `hedge is null, but ${flag}`],
  [{ affinity: 7 }, `affinity is 7, but ${text}`],
  [{ label: 7 }, `label is 7, but ${text}`],
  [{ affinity: "a".repeat(1e5), hedge: "b".repeat(1e5) }, `hedge is "${"b".repeat(80)}…", but ${flag}`],
  [5, `options is 5, but ${object}`],
  ["deadline", `options is "deadline", but ${object}`],
  [null, `options is null, but ${object}`],
  [[], `options is array, but ${object}`],
  [() => ({}), `options is function, but ${object}`]
]

const ofChat: ReadonlyArray<Case> = [
  ...ofAll,
  [{ tenant: 5 }, `tenant is 5, but ${text}`],
  [{ tenant: { name: "acme" } }, `tenant is object, but ${text}`],
  [{ cache: "yes" }, `cache is "yes", but ${flag}`],
  [{ idempotent: true }, `idempotent is true, but ${stranger}`]
]

const ofExecute: ReadonlyArray<Case> = [
  ...ofAll,
  [{ idempotent: "no" }, `idempotent is "no", but ${flag}`],
  [{ idempotent: 0 }, `idempotent is 0, but ${flag}`],
  [{ isCallersFault: true }, "isCallersFault is true, but it has to be a function"],
  [{ tenant: 7 }, `tenant is 7, but ${text}`],
  [{ cache: true }, `cache is true, but ${stranger}`]
]

const ofSend: ReadonlyArray<Case> = [
  ...ofAll,
  [{ idempotent: "no" }, `idempotent is "no", but ${flag}`],
  [{ retry: "1" }, "retry is \"1\", but it has to be a whole number from 0 up"],
  [{ retry: -1 }, "retry is -1, but it has to be a whole number from 0 up"],
  [{ retry: NaN }, "retry is NaN, but it has to be a whole number from 0 up"],
  [{ cache: true }, `cache is true, but ${stranger}`]
]

const refusal = (failure: unknown): unknown => {
  assert.instanceOf(failure, Failure.RequestRejected)
  assert.deepStrictEqual(failure.attempts, [])
  assert.isUndefined(failure.endpoint)
  return failure.detail
}

const one = Trial.over([make("a", [answer("Hello.")])])

const untouched = Effect.gen(function*() {
  assert.strictEqual(yield* Trial.count("a"), 0)
  assert.deepInclude(yield* Trial.status("a"), { state: "Healthy", inFlight: 0, answered: 0, failed: 0 })
})

describe("options that no call has, or not like this", () => {
  it.effect("are refused by a chat, with the field, the value and the rule", () =>
    Effect.gen(function*() {
      for (const [options, detail] of ofChat) {
        assert.strictEqual(refusal(yield* Trial.failure(options as never)), detail)
      }
      yield* untouched
    }).pipe(Effect.provide(one)))

  it.effect("are refused by an operation, which does not run", () =>
    Effect.gen(function*() {
      const { execute } = yield* Trial.relay
      for (const [options, detail] of ofExecute) {
        const call = Effect.suspend(() => execute(() => Effect.die("it ran"), options as never))
        assert.strictEqual(refusal(yield* Effect.flip(call)), detail)
      }
      yield* untouched
    }).pipe(Effect.provide(one)))

  it.effect("are refused by a request that is sent on", () =>
    Effect.gen(function*() {
      const relay = yield* RelayService.RelayService
      for (const [options, detail] of ofSend) {
        const failure = yield* Effect.flip(relay.send({ method: "GET", path: "/models" }, options as never))
        assert.strictEqual(refusal(failure), detail)
      }
      assert.deepStrictEqual(yield* Api.Log, [])
    }).pipe(Effect.provide(Api.over({ a: { answer: () => Api.json({}) } }))))

  it.effect("explain says that the chat would be refused", () =>
    Effect.gen(function*() {
      const { explain } = yield* Trial.relay
      for (const [options] of ofChat) {
        const { goesTo, ifNobody } = yield* explain(Trial.hi, options as never)
        assert.deepStrictEqual([goesTo, ifNobody], [[], { _tag: "Fail", failure: "RequestRejected" }])
      }
    }).pipe(Effect.provide(one)))

  it.effect("are told to listeners as any call that failed", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      const { execute } = yield* Trial.relay
      yield* Trial.failure({ deadlin: 5 } as never)
      yield* Effect.flip(execute(() => Effect.void, { deadlin: 5 } as never))
      yield* Effect.yieldNow
      assert.deepStrictEqual(heard, [
        { _tag: "CallFailed", at: 0, failure: "RequestRejected", attempts: [] },
        { _tag: "CallFailed", at: 0, failure: "RequestRejected", attempts: [] }
      ])
    }).pipe(Effect.provide(one)))
})

describe("options that a call may have", () => {
  const chats: ReadonlyArray<RelayService.ChatOptions | undefined> = [
    undefined,
    {},
    { tenant: undefined, deadline: undefined, affinity: undefined, cache: undefined, hedge: undefined },
    { tenant: "", affinity: "", deadline: 5000n * 1_000_000n },
    { tenant: "acme", deadline: [5, 0], affinity: "talk", cache: false, hedge: false },
    { deadline: { seconds: 5 }, cache: true, hedge: true },
    // what its own defaults say counts as said
    Object.create({ deadline: "5 seconds" })
  ]
  it.effect.each(chats.map((options) => ({ options })))(
    "are no reason to refuse it: $options",
    ({ options }) =>
      Effect.gen(function*() {
        const { execute } = yield* Trial.relay
        assert.strictEqual((yield* Trial.chat(options)).text, "Hello.")
        const deadline = options?.deadline
        const isCallersFault = () => false
        yield* execute(() => Effect.void, { deadline, idempotent: false, hedge: true, affinity: "a", isCallersFault })
      }).pipe(Effect.provide(one))
  )
})

describe("a signature that is none", () => {
  const cases: ReadonlyArray<readonly [audit: unknown, argument: string, value: string, rule: string]> = [
    [5, "audit", "5", "it has to be a text, or an object with by or reason"],
    [null, "audit", "null", "it has to be a text, or an object with by or reason"],
    [["ops"], "audit", "array", "it has to be a text, or an object with by or reason"],
    [{ by: 7 }, "by", "7", text],
    [{ reason: null }, "reason", "null", text],
    [{ who: "ops" }, "who", "not shown here", stranger]
  ]
  const changes = (audit: never) =>
    Effect.map(Trial.relay, ({ endpoints }) =>
      ({
        add: endpoints.add({ id: "b" }, audit),
        replace: endpoints.replace({ id: "a", tier: 3 }, audit),
        set: endpoints.set([{ id: "c" }], audit),
        drain: endpoints.drain("a", audit),
        remove: endpoints.remove("a", audit),
        isolate: endpoints.isolate("a", audit),
        reset: endpoints.reset("a", audit)
      }) as const)

  it.effect("is refused under every change, and nothing changes", () =>
    Effect.gen(function*() {
      const heard = yield* Trial.listen
      for (const [audit, argument, value, rule] of cases) {
        for (const [name, change] of Object.entries(yield* changes(audit as never))) {
          const failure = yield* Effect.flip(change as Effect.Effect<void, unknown>)
          assert.instanceOf(failure, InvalidArgument.InvalidArgument)
          assert.deepInclude(failure, { subject: `RelayService.endpoints.${name}`, argument, value, rule })
        }
      }
      yield* Effect.yieldNow
      assert.deepStrictEqual(heard, [])
      const { status } = yield* Trial.relay
      assert.deepStrictEqual((yield* status).map(({ id, state, tier }) => [id, state, tier]), [["a", "Healthy", 0]])
    }).pipe(Effect.provide(one)))
})
