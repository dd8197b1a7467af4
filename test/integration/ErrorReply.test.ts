import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
import {
  type Attempt,
  Budget,
  Bulkhead,
  CircuitBreaker,
  ErrorReply,
  Failure,
  RateLimiter,
  RelayError
} from "effect-relay"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../architecture/Source.ts"

const sent: Attempt.Attempt = {
  endpoint: "a",
  outcome: "EndpointUnavailable",
  sent: true,
  round: 0,
  at: 0,
  duration: 1
}
const refused: Attempt.Attempt = { ...sent, outcome: "CircuitOpen", sent: false }

const unavailable = (more: object = {}) =>
  new Failure.EndpointUnavailable({ endpoint: "a", reason: "Connection", attempts: [sent], ...more })
const rejected = (status?: number) =>
  new Failure.RequestRejected({ attempts: [], ...(status === undefined ? {} : { status }) })

/** One of each failure, by its tag. */
const failures = {
  RateLimited: new RateLimiter.RateLimited({ key: "a", source: "Upstream", attempts: [sent] }),
  QuotaExceeded: new Failure.QuotaExceeded({ endpoint: "a", account: "a", attempts: [sent] }),
  CircuitOpen: new CircuitBreaker.CircuitOpen({ key: "a", reason: "Open", attempts: [refused] }),
  BulkheadFull: new Bulkhead.BulkheadFull({
    key: "a",
    reason: "Full",
    maxConcurrent: 1,
    maxQueued: 0,
    attempts: [refused]
  }),
  EndpointUnavailable: unavailable(),
  InvalidResponse: new Failure.InvalidResponse({ endpoint: "a", reason: "Empty", attempts: [sent] }),
  Unauthorized: new Failure.Unauthorized({ endpoint: "a", status: 403, attempts: [sent] }),
  ModelNotFound: new Failure.ModelNotFound({ model: "m", attempts: [] }),
  ContextTooLong: new Failure.ContextTooLong({ endpoint: "a", model: "m", attempts: [sent] }),
  ContentRefused: new Failure.ContentRefused({ endpoint: "a", attempts: [sent] }),
  RequestRejected: rejected(),
  DeadlineExceeded: new RelayError.DeadlineExceeded({ deadline: Duration.seconds(1), attempts: [sent] }),
  StreamInterrupted: new RelayError.StreamInterrupted({
    endpoint: "a",
    text: "Hel",
    because: "InvalidResponse",
    detail: "reset",
    tokens: { input: 1, output: 1, total: 2, isEstimated: true },
    attempts: [sent]
  }),
  BudgetExceeded: new Budget.BudgetExceeded({ endpoint: "a", of: "tokens", limit: 5, left: 2, needed: 3 }),
  RelayExhausted: new RelayError.RelayExhausted({ attempts: [sent, refused] })
} as const

const statuses: { readonly [Tag in RelayError.StreamError["_tag"]]: number } = {
  RateLimited: 429,
  QuotaExceeded: 429,
  CircuitOpen: 503,
  BulkheadFull: 503,
  EndpointUnavailable: 503,
  InvalidResponse: 502,
  Unauthorized: 401,
  ModelNotFound: 404,
  ContextTooLong: 400,
  ContentRefused: 400,
  RequestRejected: 400,
  StreamInterrupted: 502,
  DeadlineExceeded: 504,
  BudgetExceeded: 402,
  RelayExhausted: 503
}

const Body = Schema.fromJsonString(Schema.Struct({
  error: Schema.Struct({
    message: Schema.String,
    type: Schema.String,
    param: Schema.Null,
    code: Schema.NullOr(Schema.String)
  })
}))

describe("the reply for a failure", () => {
  it("is known for each tag there is", () => {
    assert.deepStrictEqual(
      Object.keys(failures).toSorted(),
      RelayError.StreamError.members.map((failure) => failure.identifier).toSorted()
    )
  })

  it.each(Object.values(failures))("$_tag has its status, its words and its trail", (failure) => {
    const { body, headers, status } = ErrorReply.make(failure)
    assert.strictEqual(status, statuses[failure._tag])
    assert.strictEqual(Schema.decodeUnknownSync(Body)(body).error.message, failure.message)
    assert.deepInclude(headers, {
      "content-type": "application/json",
      "x-relay-failure": failure._tag,
      "x-relay-attempts": String(failure.attempts.filter(({ sent }) => sent).length)
    })
  })

  it("of a rejected request has the status the endpoint gave, where it is one of the caller's", () => {
    assert.deepStrictEqual(
      [404, 413, 422, 307, 500, undefined].map((status) => ErrorReply.make(rejected(status)).status),
      [404, 413, 422, 400, 400, 400]
    )
  })

  it("says how long to wait, never too short", () => {
    const { headers } = ErrorReply.make(unavailable({ retryAfter: Duration.millis(1000.2) }))
    assert.deepInclude(headers, { "retry-after": "2", "retry-after-ms": "1001" })
    assert.notProperty(ErrorReply.make(unavailable()).headers, "retry-after")
  })

  it("keeps the client from coming again where the relay has tried", () => {
    for (const failure of Object.values(failures)) {
      const mayComeAgain = failure._tag === "CircuitOpen" || failure._tag === "BulkheadFull"
      assert.strictEqual(ErrorReply.make(failure).headers["x-should-retry"], mayComeAgain ? undefined : "false")
    }
    const own = new RateLimiter.RateLimited({ key: "a", source: "Limiter", attempts: [refused] })
    assert.notProperty(ErrorReply.make(own).headers, "x-should-retry")
    const mixed = new CircuitBreaker.CircuitOpen({ key: "a", reason: "Open", attempts: [sent, refused] })
    assert.strictEqual(ErrorReply.make(mixed).headers["x-should-retry"], "false")
  })

  it.each(Object.values(failures))("$_tag is told on the page about clients as it is", (failure) => {
    const page = readFileSync(join(root, "docs/relay/clients.md"), "utf8")
    const row = page.split("\n").find((line) => line.startsWith(`| \`${failure._tag}\` |`))
    const { body, status } = ErrorReply.make(failure)
    const { code } = Schema.decodeUnknownSync(Body)(body).error
    const cells = row?.split("|").slice(2, 4).map((cell) => cell.trim())
    assert.match(cells?.[0] ?? "", new RegExp(`${status}$`))
    assert.strictEqual(cells?.[1], code === null ? "" : `\`${code}\``)
  })
})
