/** What is measured, and for whom. */

/** The names under which results are kept. */
export const names = [
  "raw effect",
  "breaker closed",
  "breaker rejecting",
  "bulkhead",
  "bulkhead rejecting",
  "limiter",
  "limiter rejecting",
  "timeout",
  "retry on success",
  "all five",
  "failure through all five",
  "cache key, 500 B",
  "cache key, 2 kB",
  "cache key, 20 kB",
  "cache hit",
  "cache miss",
  "relay decision, 1 endpoint",
  "relay decision, 10 endpoints",
  "relay decision, 100 endpoints",
  "relay decision, 1000 endpoints",
  "relay decision, 10000 endpoints",
  "relay chat in memory, 1 endpoint",
  "relay chat in memory, 10 endpoints",
  "relay chat in memory, 100 endpoints",
  "relay chat in memory, 1000 endpoints",
  "relay chat in memory, 10000 endpoints",
  "relay chat over loopback",
  "relay stream in memory, a chunk",
  "relay stream over loopback, a chunk",
  "relay stream over loopback, first token"
] as const

export type Name = (typeof names)[number]

/**
 * Who does the work: the bare operation as an effect and as a promise, this
 * library, the others, and two more forms of this library.
 */
export const subjects = [
  "raw",
  "rawPromise",
  "ours",
  "cockatiel",
  "opossum",
  "effect",
  "oursPrebuilt",
  "oursAlone"
] as const

export type Subject = (typeof subjects)[number]

/** The operation of a case: effects run the first form, promise libraries the second. */
export const operations = {
  value: "Effect.succeed(1) · async () => 1",
  promise: "Effect.promise(async () => 1) · async () => 1",
  failure: "the same promise, then a failure · a promise that rejects",
  question: "JSON.stringify of a chat request",
  answer: "Effect.succeed of an answer, a hundred thousand different questions",
  exchange: "a request to an HTTP client that answers at once, its body read as JSON",
  loopback: "fetch of a chat from a server in another process, its body read as JSON",
  chunk: "a chunk of an answer of a thousand or more, from an HTTP client that has it all at once, read as events",
  loopbackChunk: "a chunk of an answer of a thousand or more, fetched from a server in another process, read as events",
  firstToken:
    "fetch of an answer in four chunks from a server in another process, all read as events; p50 and p99 to the first"
} as const

export interface Case {
  readonly operation: keyof typeof operations
  /** What the operation's own cost may grow by, in nanoseconds, where the design says so. */
  readonly budget?: number
  /** What the median of single calls may grow by. */
  readonly budgetAtMedian?: number
  /** What all of it may cost, operation included. */
  readonly budgetInAll?: number
  /** The policies a library has not got, or cannot take off. */
  readonly notes?: Partial<Record<Subject, string>>
}

const withoutLimiter = {
  cockatiel: "has no limiter: four policies",
  opossum: "has neither limiter nor retry: breaker, capacity and timeout"
}

export const cases: Record<Name, Case> = {
  "raw effect": { operation: "value" },
  "breaker closed": { operation: "value", budget: 500 },
  "breaker rejecting": { operation: "value", budget: 1000 },
  "bulkhead": { operation: "value", notes: { opossum: "the breaker comes with it" } },
  "bulkhead rejecting": { operation: "value", budget: 1000, notes: { opossum: "the breaker comes with it" } },
  "limiter": { operation: "value" },
  "limiter rejecting": { operation: "value", budget: 1000 },
  "timeout": { operation: "promise", notes: { opossum: "the breaker comes with it" } },
  "retry on success": { operation: "value" },
  "all five": { operation: "promise", budgetInAll: 2200, notes: withoutLimiter },
  "failure through all five": { operation: "failure", notes: withoutLimiter },
  "cache key, 500 B": { operation: "question", budgetInAll: 8000 },
  "cache key, 2 kB": { operation: "question" },
  "cache key, 20 kB": { operation: "question" },
  "cache hit": { operation: "answer" },
  "cache miss": { operation: "answer" },
  "relay decision, 1 endpoint": { operation: "value", budgetInAll: 10_000 },
  "relay decision, 10 endpoints": { operation: "value", budgetInAll: 10_000 },
  "relay decision, 100 endpoints": { operation: "value", budgetInAll: 10_000 },
  "relay decision, 1000 endpoints": { operation: "value", budgetInAll: 10_000 },
  "relay decision, 10000 endpoints": { operation: "value", budgetInAll: 10_000 },
  "relay chat in memory, 1 endpoint": { operation: "exchange", budgetInAll: 10_000 },
  "relay chat in memory, 10 endpoints": { operation: "exchange", budgetInAll: 10_000 },
  "relay chat in memory, 100 endpoints": { operation: "exchange", budgetInAll: 10_000 },
  "relay chat in memory, 1000 endpoints": { operation: "exchange", budgetInAll: 10_000 },
  "relay chat in memory, 10000 endpoints": { operation: "exchange", budgetInAll: 10_000 },
  "relay chat over loopback": { operation: "loopback" },
  "relay stream in memory, a chunk": { operation: "chunk", budget: 20_000 },
  "relay stream over loopback, a chunk": { operation: "loopbackChunk", budget: 20_000 },
  "relay stream over loopback, first token": { operation: "firstToken", budgetAtMedian: 1_000_000 }
}
