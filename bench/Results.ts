/** The shape of `results.json`. */
import * as Schema from "effect/Schema"

const nanos = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))
const maybe = Schema.NullOr(nanos)

/** Nanoseconds a call: CPU time where nothing else is said. */
export const Row = Schema.Struct({
  ours: nanos,
  cockatiel: maybe,
  opossum: maybe,
  effect: maybe,
  raw: nanos,
  rawPromise: maybe,
  oursPrebuilt: maybe,
  oursAlone: maybe,
  /** Of single calls of ours, wall time. */
  p50: Schema.optionalKey(nanos),
  p99: Schema.optionalKey(nanos),
  /** The same of the bare operation, where its calls are timed as well. */
  rawP50: Schema.optionalKey(nanos),
  rawP99: Schema.optionalKey(nanos),
  /** CPU time of the best round, and wall time, by subject. */
  best: Schema.Record(Schema.String, nanos),
  wall: Schema.Record(Schema.String, nanos),
  operation: Schema.String,
  notes: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})

const bytes = <S extends Schema.Constraint>(value: S) => ({
  ours: value,
  cockatiel: Schema.NullOr(value),
  opossum: Schema.NullOr(value),
  effect: Schema.NullOr(value)
})

export const Memory = Schema.Struct({
  bytesPerKey: Schema.Struct({
    keys: Schema.Int,
    breaker: Schema.Struct(bytes(nanos)),
    bulkhead: Schema.Struct(bytes(nanos)),
    limiter: Schema.Struct(bytes(nanos))
  }),
  bytesPerIdleEndpoint: nanos,
  timersPerIdleEndpoint: nanos,
  growthAfterCalls: Schema.Struct({ calls: Schema.Int, ...bytes(Schema.Finite) }),
  growthAfterKeys: Schema.Struct({
    keys: Schema.Int,
    ...bytes(Schema.Struct({ half: Schema.Finite, all: Schema.Finite }))
  })
})

const rate = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

/** The share of requests that were hits, by policy of eviction: the same on any machine. */
export const HitRate = Schema.Struct({
  requests: Schema.Int,
  capacity: Schema.Int,
  /** Seconds; `null` for no end. */
  timeToLive: Schema.NullOr(Schema.Finite),
  rates: Schema.Struct({
    fifo: rate,
    lru: rate,
    sieve: rate,
    s3fifo: rate,
    tinyLfu: rate,
    ours: rate,
    /** Of one that knows the future. */
    ideal: rate
  })
})

export const Machine = Schema.Struct({
  cpu: Schema.String,
  cores: Schema.Int,
  memory: Schema.Int,
  load: Schema.Finite,
  os: Schema.String,
  node: Schema.String,
  v8: Schema.String,
  packages: Schema.Record(Schema.String, Schema.String),
  date: Schema.String
})

export const Results = Schema.Struct({
  cases: Schema.Record(Schema.String, Row),
  memory: Memory,
  hitRates: Schema.Record(Schema.String, HitRate),
  machine: Machine,
  plan: Schema.Struct({
    rounds: Schema.Int,
    slice: Schema.Finite,
    warmup: Schema.Finite,
    together: Schema.Boolean
  })
})

export type Results = typeof Results.Type
export type Row = typeof Row.Type
export type HitRate = typeof HitRate.Type
export type Memory = typeof Memory.Type
