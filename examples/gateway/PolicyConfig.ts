/** The options of relay, circuit breaker and bulkhead that JSON has a word for: all but schedules, rules and functions. */
import { Schema } from "effect"
import { Configuration } from "effect-relay"

const optional = Schema.optionalKey

const { atLeast, duration, durationOrForever, durationOrZero, finiteDurationOrZero, integer } = Configuration

const share = optional(Configuration.share("closed"))

const openShare = optional(Configuration.share("open"))

const Stream = Schema.Struct({
  commit: optional(Schema.Union([
    Schema.Literals(["firstToken", "whole"]),
    Schema.Struct({ characters: integer(1) })
  ])),
  afterCommit: optional(Schema.Literals(["fail", "restart", "continue"])),
  firstTokenTimeout: optional(durationOrForever),
  idleTimeout: optional(durationOrForever),
  minThroughput: optional(Schema.Struct({ characters: integer(0), per: duration }))
})

const Outliers = Schema.Struct({
  window: optional(duration),
  evidence: optional(integer(1)),
  failureGap: openShare,
  latencyFactor: optional(atLeast(1)),
  degradedFor: optional(duration),
  maxShare: share,
  panicBelow: share
})

const Hedge = Schema.Struct({
  delay: optional(finiteDurationOrZero),
  maxCopies: optional(integer(2, 10)),
  maxExtraLoad: optional(Configuration.field(
    (value): value is number => typeof value === "number" && value > 0 && value <= 1,
    "it has to be a number above 0 and up to 1"
  )),
  burst: optional(integer(1)),
  maxKeys: optional(integer(1))
})

const Health = Schema.Struct({
  timeout: optional(duration),
  path: optional(Configuration.field(
    (value): value is string => typeof value === "string" && value.startsWith("/"),
    "it has to be a path that begins with /"
  )),
  check: optional(Schema.Literals(["auto", "get", "completion", "off"]))
})

const Budget = Schema.Struct({
  dollars: optional(atLeast(0)),
  tokens: optional(integer(1)),
  per: optional(durationOrForever),
  maxKeys: optional(integer(1))
})

export const Relay = Schema.Struct({
  accounts: optional(Schema.Record(
    Schema.String,
    Schema.Struct({
      limits: Schema.Struct({ requestsPerMinute: optional(integer(1)), tokensPerMinute: optional(integer(1)) })
    })
  )),
  balance: optional(Schema.Union([
    Schema.Literals(["peakEwma", "leastLoaded", "roundRobin", "weighted", "cheapest", "sticky"]),
    Schema.Struct({ cheapest: Schema.Struct({ maxAddedLatency: finiteDurationOrZero }) })
  ])),
  budgets: optional(Schema.Struct({
    total: optional(Budget),
    perTenant: optional(Budget),
    perLabel: optional(Budget)
  })),
  usage: optional(Schema.Struct({ maxRows: optional(integer(1)), days: optional(integer(1, 1000)) })),
  slowStart: optional(finiteDurationOrZero),
  outliers: optional(Schema.Union([Schema.Literal("off"), Outliers])),
  attemptTimeout: optional(duration),
  maxWait: optional(durationOrZero),
  maxAttempts: optional(integer(1, 1000)),
  retryBudget: optional(integer(0)),
  retryRatio: share,
  hedge: optional(Schema.Union([Schema.Literal("off"), Hedge])),
  stream: optional(Stream),
  slowFactor: optional(atLeast(1)),
  slowFloor: optional(durationOrZero),
  maxResponseBytes: optional(integer(1)),
  health: optional(Schema.Union([Schema.Literal("off"), Health]))
})

export const CircuitBreaker = Schema.Struct({
  window: optional(duration),
  slowCallDuration: optional(durationOrForever),
  slowCallRate: openShare,
  slowCallEvidence: optional(integer(1)),
  forgetAfter: optional(duration),
  openFor: optional(duration),
  maxOpenFor: optional(duration),
  jitter: share,
  halfOpenProbes: optional(integer(1, 1000)),
  successesToClose: optional(Schema.Union([
    integer(1, 1000),
    Schema.Struct({ ratio: atLeast(0), of: integer(1, 1000) })
  ])),
  probeLease: optional(duration),
  rampFor: optional(finiteDurationOrZero),
  mode: optional(Schema.Literals(["enforce", "observe", "off"])),
  maxKeys: optional(integer(1))
})

export const Bulkhead = Schema.Struct({
  maxConcurrent: optional(Schema.Union([integer(1), Schema.NonEmptyArray(integer(1))])),
  maxQueued: optional(integer(0)),
  maxWait: optional(durationOrZero),
  order: optional(Schema.Literals(["fifo", "lifo", "adaptive"])),
  oldestEvery: optional(integer(1)),
  codelTarget: optional(finiteDurationOrZero),
  codelInterval: optional(finiteDurationOrZero),
  tier: optional(integer(0)),
  maxKeys: optional(integer(1))
})
