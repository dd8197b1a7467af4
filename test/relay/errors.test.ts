import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schema } from "effect"
import {
  type Attempt,
  Budget,
  Bulkhead,
  CircuitBreaker,
  Failure,
  RateLimiter,
  RelayError,
  type RelayService,
  Retry,
  Verdict
} from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { BudgetExceeded } = Budget
const { BulkheadFull } = Bulkhead
const { CircuitOpen } = CircuitBreaker
const { RateLimited } = RateLimiter
const {
  ContentRefused,
  ContextTooLong,
  EndpointUnavailable,
  InvalidResponse,
  ModelNotFound,
  QuotaExceeded,
  RequestRejected,
  Unauthorized
} = Failure
const { DeadlineExceeded, RelayExhausted } = RelayError

const attempts: ReadonlyArray<Attempt.Attempt> = [
  { endpoint: "a", outcome: "EndpointUnavailable", sent: true, round: 0, at: 1000, duration: 12.5, status: 503 },
  { endpoint: "b", outcome: "CircuitOpen", sent: false, round: 1, at: 2000, duration: 0 }
]
const retryAfter = Duration.millis(1500)
const common = { endpoint: "a", status: 418, detail: "teapot", attempts }

/** One of each, with every field there is, and what it says. */
const complete = {
  RateLimited: [
    new RateLimited({ key: "a", source: "Upstream", status: 429, retryAfter, detail: "slow down", attempts }),
    "\"a\" asks to wait, try again in 1s 500ms, slow down"
  ],
  QuotaExceeded: [
    new QuotaExceeded({ ...common, account: "acme", retryAfter }),
    "the quota of account \"acme\" is used up (HTTP 418), try again in 1s 500ms, teapot"
  ],
  CircuitOpen: [
    new CircuitOpen({ key: "a", reason: "Open", retryAfter, attempts }),
    "circuit \"a\" is open, try again in 1s 500ms"
  ],
  BulkheadFull: [
    new BulkheadFull({ key: "a", reason: "Full", maxConcurrent: 2, maxQueued: 1, attempts }),
    "bulkhead \"a\" is full: 2 running, 1 allowed to wait"
  ],
  EndpointUnavailable: [
    new EndpointUnavailable({ ...common, reason: "Status", retryAfter }),
    "endpoint \"a\" is unavailable (HTTP 418), try again in 1s 500ms, teapot"
  ],
  InvalidResponse: [
    new InvalidResponse({ ...common, reason: "NotJson" }),
    "endpoint \"a\" sent something that is not JSON (HTTP 418), teapot"
  ],
  Unauthorized: [
    new Unauthorized({ ...common, retryAfter }),
    "the key of endpoint \"a\" is refused (HTTP 418), try again in 1s 500ms, teapot"
  ],
  ModelNotFound: [
    new ModelNotFound({ ...common, model: "m", retryAfter }),
    "endpoint \"a\" does not serve model \"m\" (HTTP 418), try again in 1s 500ms, teapot"
  ],
  ContextTooLong: [
    new ContextTooLong({ ...common, model: "m" }),
    "the request is too long for model \"m\" at endpoint \"a\" (HTTP 418), teapot"
  ],
  ContentRefused: [
    new ContentRefused(common),
    "the content policy of endpoint \"a\" refused the request (HTTP 418), teapot"
  ],
  RequestRejected: [
    new RequestRejected(common),
    "endpoint \"a\" rejected the request (HTTP 418), teapot"
  ],
  DeadlineExceeded: [
    new DeadlineExceeded({ deadline: retryAfter, attempts }),
    "no answer within the deadline of 1s 500ms: a EndpointUnavailable (HTTP 503), b CircuitOpen"
  ],
  BudgetExceeded: [
    new BudgetExceeded({ endpoint: "a", of: "dollars", limit: 0.02, left: 0.0043, needed: 0.012, attempts }),
    "the budget of $0.02 has $0.0043 left, and the call may take $0.012 at endpoint \"a\""
  ],
  RelayExhausted: [
    new RelayExhausted({ retryAfter, attempts }),
    "no endpoint answered: a EndpointUnavailable (HTTP 503), b CircuitOpen"
  ]
} satisfies { readonly [Tag in RelayError.RelayError["_tag"]]: readonly [TagOf<Tag>, string] }

/** One of each with no more than it needs, and what it says. */
const bare: ReadonlyArray<readonly [RelayError.RelayError, string]> = [
  [new RateLimited({ key: "a", source: "Limiter" }), "rate limiter \"a\" is at its limit"],
  [new QuotaExceeded({ endpoint: "a", account: "acme" }), "the quota of account \"acme\" is used up"],
  [new CircuitOpen({ key: "a", reason: "ProbesOut" }), "circuit \"a\" is half-open and all its probes are out"],
  [new CircuitOpen({ key: "a", reason: "Isolated" }), "circuit \"a\" is held open by hand"],
  [
    new BulkheadFull({ key: "a", reason: "WaitedTooLong", maxConcurrent: 2, maxQueued: 1 }),
    "bulkhead \"a\" had no free slot in time: 2 may run at once"
  ],
  [new EndpointUnavailable({ endpoint: "a", reason: "Connection" }), "endpoint \"a\" could not be reached"],
  [new EndpointUnavailable({ endpoint: "a", reason: "Timeout" }), "endpoint \"a\" did not answer in time"],
  [new InvalidResponse({ endpoint: "a", reason: "Empty" }), "endpoint \"a\" sent an empty answer"],
  [new InvalidResponse({ endpoint: "a", reason: "CutOff" }), "endpoint \"a\" stopped in the middle of its answer"],
  [new InvalidResponse({ endpoint: "a", reason: "TooLarge" }), "endpoint \"a\" sent more than the limit allows"],
  [
    new InvalidResponse({ endpoint: "a", reason: "Malformed" }),
    "endpoint \"a\" sent JSON that is not a chat completion"
  ],
  [
    new InvalidResponse({ endpoint: "a", reason: "ErrorInBody" }),
    "endpoint \"a\" sent an error inside a successful response"
  ],
  [new Unauthorized({ endpoint: "a" }), "the key of endpoint \"a\" is refused"],
  [new ModelNotFound({ model: "m" }), "no endpoint serves model \"m\""],
  [new RequestRejected({ detail: "no messages" }), "the request cannot be sent, no messages"],
  [
    new BudgetExceeded({ endpoint: "a", of: "dollars", limit: 2, left: 0.5 }),
    "the budget of $2.00 has $0.50 left, and endpoint \"a\" has no prices: nobody can say what the call costs there"
  ],
  [
    new BudgetExceeded({ key: "acme", of: "dollars", limit: 2, left: 0.5, needed: 1, retryAfter }),
    "the budget of $2.00 of \"acme\" has $0.50 left, and the call may take $1.00; it will be there in 1s 500ms"
  ],
  [
    new BudgetExceeded({ endpoint: "a", of: "tokens", limit: 5000, left: -12, needed: 900 }),
    "the budget of 5000 tokens has -12 tokens left, and the call may take 900 tokens at endpoint \"a\""
  ],
  [new RelayExhausted({}), "no endpoint answered, none was asked"]
]

type TagOf<Tag extends RelayError.RelayError["_tag"]> = Extract<RelayError.RelayError, { readonly _tag: Tag }>

type Equals<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false

/** What is an error's own: its fields, without those of every error. */
type Fields<E> = {
  readonly [K in keyof E as Exclude<K, keyof Error | symbol | "pipe" | "toString" | "toJSON" | `~${string}`>]: E[K]
}

type Trail = { readonly attempts: ReadonlyArray<Attempt.Attempt> }
type Said = { readonly status?: number; readonly detail?: string; readonly retry?: "Anywhere" | "Elsewhere" }
type Answer = Trail & Said
type Later = { readonly retryAfter?: Duration.Duration }
type Flat<A> = { readonly [K in keyof A]: A[K] }

/** Every tag and every field, spelled out: a field that comes, goes or changes is a type error here. */
interface Spelled {
  readonly RateLimited: Answer & Later & {
    readonly _tag: "RateLimited"
    readonly key: string
    readonly source: "Limiter" | "Upstream"
    readonly scope?: "Account" | "Endpoint" | "Model"
  }
  readonly QuotaExceeded: Answer & Later & {
    readonly _tag: "QuotaExceeded"
    readonly endpoint: string
    readonly account: string
  }
  readonly CircuitOpen: Trail & Later & {
    readonly _tag: "CircuitOpen"
    readonly key: string
    readonly reason: "Open" | "ProbesOut" | "RampingUp" | "Isolated"
  }
  readonly BulkheadFull: Trail & {
    readonly _tag: "BulkheadFull"
    readonly key: string
    readonly reason: "Full" | "WaitedTooLong" | "TooLate"
    readonly maxConcurrent: number
    readonly maxQueued: number
  }
  readonly EndpointUnavailable: Answer & Later & {
    readonly _tag: "EndpointUnavailable"
    readonly endpoint: string
    readonly reason: "Connection" | "Timeout" | "Status"
  }
  readonly InvalidResponse: Answer & {
    readonly _tag: "InvalidResponse"
    readonly endpoint: string
    readonly reason: "Empty" | "NotJson" | "Malformed" | "ErrorInBody" | "CutOff" | "TooLarge" | "Rejected"
  }
  readonly Unauthorized: Answer & Later & { readonly _tag: "Unauthorized"; readonly endpoint: string }
  readonly ModelNotFound: Answer & Later & {
    readonly _tag: "ModelNotFound"
    readonly endpoint?: string
    readonly model: string
  }
  readonly ContextTooLong: Answer & {
    readonly _tag: "ContextTooLong"
    readonly endpoint?: string
    readonly model: string
  }
  readonly ContentRefused: Answer & { readonly _tag: "ContentRefused"; readonly endpoint: string }
  readonly RequestRejected: Answer & { readonly _tag: "RequestRejected"; readonly endpoint?: string }
  readonly DeadlineExceeded: Trail & { readonly _tag: "DeadlineExceeded"; readonly deadline: Duration.Duration }
  readonly BudgetExceeded: Trail & Later & {
    readonly _tag: "BudgetExceeded"
    readonly endpoint?: string
    readonly key?: string
    readonly of: "dollars" | "tokens"
    readonly limit: number
    readonly left: number
    readonly needed?: number
  }
  readonly RelayExhausted: Trail & Later & { readonly _tag: "RelayExhausted" }
}

const spelledAsTheyAre: {
  readonly [Tag in RelayError.RelayError["_tag"]]: Equals<Fields<TagOf<Tag>>, Flat<Spelled[Tag]>>
} = {
  RateLimited: true,
  QuotaExceeded: true,
  CircuitOpen: true,
  BulkheadFull: true,
  EndpointUnavailable: true,
  InvalidResponse: true,
  Unauthorized: true,
  ModelNotFound: true,
  ContextTooLong: true,
  ContentRefused: true,
  RequestRejected: true,
  DeadlineExceeded: true,
  BudgetExceeded: true,
  RelayExhausted: true
}

const noneMoreNoneLess: Equals<keyof Spelled, RelayError.RelayError["_tag"]> = true

const tags = Object.keys(complete) as Array<keyof typeof complete>
const codec = Schema.fromJsonString(RelayError.RelayError)

describe("the failures of a relay, by type", () => {
  it("have exactly these tags and these fields", () => {
    assert.isTrue(noneMoreNoneLess)
    assert.deepStrictEqual(Object.keys(spelledAsTheyAre), tags)
    assert.deepStrictEqual(RelayError.RelayError.members.map(({ identifier }) => identifier), tags)
  })

  it.effect("can be handled tag by tag, which leaves none", () =>
    Effect.gen(function*() {
      const call = Effect.map(Trial.chat(), ({ text }) => text)
      const handled: Effect.Effect<string, never, RelayService.RelayService> = call.pipe(
        Effect.catchTags({
          RateLimited: ({ source }) => Effect.succeed(source),
          QuotaExceeded: ({ account }) => Effect.succeed(account),
          CircuitOpen: ({ reason }) => Effect.succeed(reason),
          BulkheadFull: ({ reason }) => Effect.succeed(reason),
          EndpointUnavailable: ({ reason }) => Effect.succeed(reason),
          InvalidResponse: ({ reason }) => Effect.succeed(reason),
          Unauthorized: ({ endpoint }) => Effect.succeed(endpoint),
          ModelNotFound: ({ model }) => Effect.succeed(model),
          ContextTooLong: ({ model }) => Effect.succeed(model),
          ContentRefused: ({ endpoint }) => Effect.succeed(endpoint),
          RequestRejected: ({ endpoint }) => Effect.succeed(endpoint ?? "never sent"),
          DeadlineExceeded: ({ deadline }) => Effect.succeed(Duration.format(deadline)),
          BudgetExceeded: ({ of }) => Effect.succeed(of),
          RelayExhausted: ({ attempts }) => Effect.succeed(`${attempts.length}`)
        })
      )
      assert.strictEqual(yield* handled, "ErrorInBody")
      const forgetful = call.pipe(Effect.catchTag("RateLimited", () => Effect.succeed("")))
      // @ts-expect-error one tag was handled, and twelve were forgotten
      const forgotten: Effect.Effect<string, never, RelayService.RelayService> = forgetful
      assert.isTrue(Effect.isEffect(forgotten))
    }).pipe(Effect.provide(
      Trial.over([ScriptedEndpoint.make("a", [ScriptedEndpoint.body("{\"error\":\"odd\"}")])], { maxAttempts: 1 })
    )))

  it("an operation of one's own fails with its error and what a relay can add, and with nothing else", () => {
    const added: Equals<
      RelayError.ExecuteError["_tag"],
      | "RateLimited"
      | "QuotaExceeded"
      | "CircuitOpen"
      | "BulkheadFull"
      | "EndpointUnavailable"
      | "Unauthorized"
      | "ModelNotFound"
      | "RequestRejected"
      | "DeadlineExceeded"
      | "RelayExhausted"
    > = true
    assert.isTrue(added)
  })
})

describe("the verdict on each failure", () => {
  it("is given for every tag, and for no other", () => {
    const verdicts = Verdict.byTag satisfies Record<RelayError.StreamError["_tag"], Verdict.Verdict>
    assert.sameMembers(Object.keys(verdicts), [...tags, "StreamInterrupted"])
  })

  it.each(tags)("is found by tag for an instance: %s", (tag) => {
    assert.strictEqual(Verdict.of(complete[tag][0]), Verdict.byTag[tag])
  })

  it("counts against an endpoint only what is the endpoint's own", () => {
    const blamed = tags.filter((tag) => Verdict.byTag[tag].breaker === "Failure")
    assert.sameMembers(blamed, ["EndpointUnavailable", "InvalidResponse", "RelayExhausted"])
  })

  it("sends nothing elsewhere that would fail there too", () => {
    const final = tags.filter((tag) => !Verdict.byTag[tag].elsewhere)
    assert.sameMembers(final, ["ContentRefused", "RequestRejected", "DeadlineExceeded", "BudgetExceeded"])
  })

  it.each([null, undefined, "down", 7, {}, { _tag: 7 }, { _tag: "toString" }, new Error("down")])(
    "on what nobody knows is the endpoint's failure: %s",
    (error) => {
      assert.deepStrictEqual(Verdict.of(error), { breaker: "Failure", again: true, elsewhere: true })
    }
  )
})

describe("the failures of a relay, as data", () => {
  it.effect.each(tags)("cross a boundary as JSON and come back equal: %s", (tag) =>
    Effect.gen(function*() {
      const [failure] = complete[tag]
      const text = yield* Schema.encodeEffect(codec)(failure)
      const back = yield* Schema.decodeEffect(codec)(text)
      assert.deepStrictEqual(back, failure)
      assert.strictEqual(back.constructor, failure.constructor)
      assert.strictEqual(back.message, failure.message)
      assert.deepStrictEqual(back.attempts, attempts)
    }))

  it.effect.each(bare.map(([failure]) => failure))(
    "do so with nothing but what they need: %s",
    (failure) =>
      Effect.gen(function*() {
        const back = yield* Schema.decodeEffect(codec)(yield* Schema.encodeEffect(codec)(failure))
        assert.deepStrictEqual(back, failure)
      })
  )

  it.effect("do so when a relay has made them", () =>
    Effect.gen(function*() {
      const { execute } = yield* Trial.relay
      const odd = Object.assign(new Error("odd"), { status: NaN, detail: 7 })
      const failures = [
        yield* Trial.whatever(Trial.failure()),
        yield* Trial.failure({ deadline: 0 }),
        yield* Trial.failure({}, { ...Trial.hi, messages: [] }),
        yield* Trial.whatever(
          Effect.flip(execute(({ tier }): Effect.Effect<never, unknown> => Effect.fail(tier === 0 ? odd : "down")))
        )
      ]
      for (const failure of failures) {
        assert.isTrue(RelayError.isRelayError(failure))
        if (!RelayError.isRelayError(failure)) return
        const back = yield* Schema.decodeEffect(codec)(yield* Schema.encodeEffect(codec)(failure))
        assert.deepStrictEqual(back, failure)
      }
    }).pipe(Effect.provide(Trial.over([
      ScriptedEndpoint.make("a", [ScriptedEndpoint.status(503)]),
      ScriptedEndpoint.make("b", [ScriptedEndpoint.status(401)], { tier: 1 })
    ], { retry: Retry.none }))))

  it("carry no stack trace when a relay makes them, and are errors all the same", () => {
    const summary = RelayError.summarize<RelayError.RelayError>(
      [complete.RateLimited[0], complete.Unauthorized[0]],
      attempts
    )
    assert.instanceOf(summary.failure, Error)
    assert.instanceOf(summary.failure, RelayExhausted)
    assert.notMatch(summary.failure.stack ?? "", /\n\s+at /)
  })
})

describe("what a failure says", () => {
  it.each(tags)("is who, what, why and until when: %s", (tag) => {
    const [failure, message] = complete[tag]
    assert.strictEqual(failure.message, message)
    assert.include(String(failure), message)
  })

  it.each(bare)("is no longer than what is known: %s", (failure, message) => {
    assert.strictEqual(failure.message, message)
  })
})
