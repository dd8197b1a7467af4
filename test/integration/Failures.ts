/** The failures of a relay, to try out what is made of them. */
import { Duration } from "effect"
import { type Attempt, Budget, Bulkhead, CircuitBreaker, Failure, RateLimiter, RelayError } from "effect-relay"

export const sent: Attempt.Attempt = {
  endpoint: "a",
  outcome: "EndpointUnavailable",
  sent: true,
  round: 0,
  at: 0,
  duration: 1
}
export const refused: Attempt.Attempt = { ...sent, outcome: "CircuitOpen", sent: false }

export const unavailable = (more: object = {}) =>
  new Failure.EndpointUnavailable({ endpoint: "a", reason: "Connection", attempts: [sent], ...more })
export const rejected = (status?: number) =>
  new Failure.RequestRejected({ attempts: [], ...(status === undefined ? {} : { status }) })

/** One of each failure, by its tag. */
export const byTag = {
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
