import { assert, describe, it } from "@effect/vitest"
import { Duration, Schema } from "effect"
import { CircuitBreaker, ErrorReply, RateLimiter, RelayError } from "effect-relay"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../architecture/Source.ts"
import * as Failures from "./Failures.ts"

const { refused, rejected, sent, unavailable } = Failures
const failures = Failures.byTag

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
