/**
 * What a circuit leaves behind for the next process.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Circuit from "../machine/Circuit.ts"
import * as Evidence from "../machine/Evidence.ts"
import * as Configuration from "./Configuration.ts"
import * as InvalidArgument from "./InvalidArgument.ts"
import * as Now from "./Now.ts"
import * as Rejection from "./Rejection.ts"

const count = Schema.Number.check(Schema.isGreaterThanOrEqualTo(0), Schema.isFinite())

/**
 * What a circuit leaves behind for the next process: its verdict and the
 * evidence, not the counts of its windows. Times are epoch milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export const Saved = Schema.Struct({
  version: Schema.Literal(1),
  key: Schema.String,
  savedAt: Schema.Number.check(Schema.isFinite()),
  /** Openings that no healthy spell has made up for. */
  openings: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })),
  circuit: Schema.Union([
    Schema.TaggedStruct("Closed", { failures: count, slow: count, streak: count }),
    Schema.TaggedStruct("Open", { until: Schema.Number.check(Schema.isFinite()), because: Schema.String })
  ])
})

/**
 * What a circuit leaves behind for the next process.
 *
 * @category models
 * @since 0.1.0
 */
export type Saved = typeof Saved.Type

/**
 * What to keep of a circuit. A half-open one is kept as open until now: its
 * probes are not coming back. Nobody is left to release an isolated one: it is
 * kept as closed.
 *
 * @category conversions
 * @since 0.1.0
 */
export const save = (key: string, circuit: Circuit.Circuit, clock: Clock.Clock, rules: Circuit.Rules): Saved => {
  const now = Now.read(clock)
  const openings = Circuit.openings(circuit, now, rules)
  const wall = clock.currentTimeMillisUnsafe()
  const what = (circuit: Saved["circuit"]): Saved => ({ version: 1, key, savedAt: wall, openings, circuit })
  switch (circuit._tag) {
    case "Closed":
      return what({
        _tag: "Closed",
        failures: Evidence.weigh(circuit.stats.failures, now, rules.stats.failures),
        slow: Evidence.weigh(circuit.stats.slow, now, rules.stats.slow),
        streak: circuit.stats.streak
      })
    case "Open":
      return what({ _tag: "Open", until: wall + Math.max(0, circuit.until - now), because: circuit.because })
    case "HalfOpen":
      return what({ _tag: "Open", until: wall, because: "halfOpen" })
    case "Isolated":
      return what({ _tag: "Closed", failures: 0, slow: 0, streak: 0 })
  }
}

const subject = "CircuitBreaker.restore"

/**
 * The circuit that was saved, in place of `circuit`, or why it cannot be taken up.
 * A wall clock that was changed keeps nothing open for longer than a failure might.
 *
 * @category conversions
 * @since 0.1.0
 */
export const restore = (
  key: string,
  saved: unknown,
  circuit: Circuit.Circuit,
  clock: Clock.Clock,
  rules: Circuit.Rules
): Circuit.Circuit | InvalidArgument.InvalidArgument => {
  if (typeof saved !== "object" || saved === null || Array.isArray(saved)) {
    const kind = saved === null ? "null" : Array.isArray(saved) ? "array" : typeof saved
    return InvalidArgument.make(subject, "saved", kind, "it has to be an object, as `save` gives it")
  }
  const decoded = Configuration.decodeResult(subject, Saved, saved, {})
  if (Result.isFailure(decoded)) {
    const { field, rule, value } = decoded.failure
    return Rejection.make(InvalidArgument.InvalidArgument, { subject, argument: `saved.${field}`, value, rule })
  }
  if (decoded.success.key !== key) {
    return InvalidArgument.make(subject, "saved.key", decoded.success.key, `it has to be ${JSON.stringify(key)}`)
  }
  if (circuit._tag === "Isolated") {
    return InvalidArgument.make(subject, "saved.key", key, "that circuit is held open by hand, release it first")
  }
  const now = Now.read(clock)
  const epoch = circuit.epoch + 1
  const { circuit: was, openings, savedAt } = decoded.success
  const wall = clock.currentTimeMillisUnsafe()
  if (was._tag === "Open") {
    const left = Math.max(0, was.until - wall)
    return {
      _tag: "Open",
      epoch,
      since: now,
      until: now + Math.min(left, rules.maxHint),
      openings: Math.max(1, Math.min(openings, rules.openFor.length)),
      because: was.because
    }
  }
  // what is old has faded meanwhile, as if the process had gone on
  const then = now - Math.max(0, wall - savedAt)
  const next = Circuit.closed(then, rules, epoch, Math.min(openings, rules.openFor.length))
  next.stats.streak = was.streak
  next.stats.failures = weighing(was.failures, then)
  next.stats.slow = weighing(was.slow, then)
  return next
}

const weighing = (weight: number, at: number): Evidence.Evidence => weight > 0 ? { weight, at } : Evidence.none
