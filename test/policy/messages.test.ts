/** What each refusal and argument error of a policy says, word for word: it is all that a log shows. */
import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { Attempt, Bulkhead, CircuitBreaker, Deadline, InvalidArgument, RateLimiter, Timeout } from "effect-relay"

const { BulkheadFull } = Bulkhead
const { CircuitOpen } = CircuitBreaker
const { RateLimited } = RateLimiter
const { DeadlineExceeded } = Deadline
const { TimedOut } = Timeout

const retryAfter = Duration.seconds(90)
const attempt: Attempt.Attempt = { endpoint: "a", outcome: "Unavailable", sent: true, round: 0, at: 0, duration: 0 }

describe("the message of a failure", () => {
  it.each<readonly [Error, string]>([
    [
      new BulkheadFull({ key: "db", reason: "Full", maxConcurrent: 1, maxQueued: 2 }),
      "bulkhead \"db\" is full: 1 running, 2 allowed to wait"
    ],
    [
      new BulkheadFull({ key: "db", reason: "WaitedTooLong", maxConcurrent: 3, maxQueued: 2 }),
      "bulkhead \"db\" had no free slot in time: 3 may run at once"
    ],
    [
      new BulkheadFull({ key: "db", reason: "TooLate", maxConcurrent: 3, maxQueued: 2 }),
      "bulkhead \"db\" has no free slot before the deadline: 3 may run at once"
    ],
    [new CircuitOpen({ key: "eu", reason: "Open", retryAfter }), "circuit \"eu\" is open, try again in 1m 30s"],
    [new CircuitOpen({ key: "eu", reason: "ProbesOut" }), "circuit \"eu\" is half-open and all its probes are out"],
    [
      new CircuitOpen({ key: "eu", reason: "RampingUp" }),
      "circuit \"eu\" has just closed and lets only a share of the calls pass"
    ],
    [new CircuitOpen({ key: "eu", reason: "Isolated" }), "circuit \"eu\" is held open by hand"],
    [new RateLimited({ key: "eu", source: "Limiter" }), "rate limiter \"eu\" is at its limit"],
    [
      new RateLimited({ key: "eu", source: "Limiter", retryAfter }),
      "rate limiter \"eu\" is at its limit, try again in 1m 30s"
    ],
    [new RateLimited({ key: "eu", source: "Upstream", detail: "slow down" }), "\"eu\" asks to wait, slow down"],
    [
      new RateLimited({ key: "eu", source: "Upstream", retryAfter, detail: "slow down" }),
      "\"eu\" asks to wait, try again in 1m 30s, slow down"
    ],
    [new DeadlineExceeded({ deadline: retryAfter }), "no answer within the deadline of 1m 30s"],
    [
      new DeadlineExceeded({ deadline: retryAfter, attempts: [attempt] }),
      "no answer within the deadline of 1m 30s: a Unavailable"
    ],
    [new TimedOut({ duration: retryAfter }), "no answer within 1m 30s"],
    [InvalidArgument.make("it", "count", -1, "it has to be more"), "it: count is -1, but it has to be more"],
    [InvalidArgument.make("it", "name", "a\nb", "it has to be less"), "it: name is \"a\\nb\", but it has to be less"],
    [
      InvalidArgument.make("it", "name", { secret: 1 }, "it has to be less"),
      "it: name is object, but it has to be less"
    ]
  ])("is exactly this: %s", (error, message) => {
    assert.strictEqual(error.message, message)
  })

  it("lists the tries in order, with their status where there is one, and says so when there was none", () => {
    assert.strictEqual(Attempt.trail([]), ", none was asked")
    assert.strictEqual(
      Attempt.trail([attempt, { ...attempt, endpoint: "b", status: 503 }]),
      ": a Unavailable, b Unavailable (HTTP 503)"
    )
  })
})
