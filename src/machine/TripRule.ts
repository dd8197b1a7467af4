/**
 * When a closed circuit opens, as a value: rules that can be joined, over what
 * the circuit has counted.
 *
 * @since 0.1.0
 */
import type * as CallStats from "./CallStats.ts"
import type * as Evidence from "./Evidence.ts"

/**
 * What a rule of one's own is asked with: the window's counts and the failures in a row.
 *
 * @category models
 * @since 0.1.0
 */
export interface Health {
  readonly consecutiveFailures: number
  readonly calls: number
  readonly failures: number
  readonly slowCalls: number
  /** Share of failures among the calls; 0 without calls. */
  readonly failureRate: number
  /** Share of slow calls among the calls; 0 without calls. */
  readonly slowCallRate: number
}

/**
 * A rule. A rule is only asked after a failure or a slow call: no success opens a circuit.
 *
 * @category models
 * @since 0.1.0
 */
export type TripRule =
  | { readonly _tag: "Consecutive"; readonly failures: number }
  | { readonly _tag: "FailureRate"; readonly rate: number; readonly evidence: number }
  | { readonly _tag: "CountWindow"; readonly calls: number; readonly rate: number; readonly minimumCalls: number }
  | { readonly _tag: "TimeWindow"; readonly rate: number; readonly minimumCalls: number }
  | { readonly _tag: "SlowCallRate"; readonly rate: number; readonly minimumCalls: number }
  | { readonly _tag: "MinimumCalls"; readonly calls: number }
  | { readonly _tag: "Custom"; readonly name: string; readonly test: (health: Health) => boolean }
  | { readonly _tag: "Or"; readonly rules: ReadonlyArray<TripRule> }
  | { readonly _tag: "And"; readonly rules: ReadonlyArray<TripRule> }

/**
 * The rule and all that it joins.
 *
 * @category getters
 * @since 0.1.0
 */
export const parts = (self: TripRule): ReadonlyArray<TripRule> =>
  self._tag === "Or" || self._tag === "And" ? self.rules.flatMap(parts) : [self]

/**
 * The name of the rule that opens a circuit with these stats; `undefined` while none does.
 *
 * @category getters
 * @since 0.1.0
 */
export const tripped = (self: TripRule, stats: CallStats.CallStats): string | undefined => {
  switch (self._tag) {
    case "Or": {
      for (const rule of self.rules) {
        const name = tripped(rule, stats)
        if (name !== undefined) return name
      }
      return undefined
    }
    case "And": {
      const names: Array<string> = []
      for (const rule of self.rules) {
        const name = tripped(rule, stats)
        if (name === undefined) return undefined
        names.push(name)
      }
      return names.join(" and ")
    }
    default:
      return holds(self, stats) ? nameOf(self) : undefined
  }
}

const holds = (self: Exclude<TripRule, { _tag: "Or" | "And" }>, stats: CallStats.CallStats): boolean => {
  const { window } = stats
  switch (self._tag) {
    case "Consecutive":
      return stats.streak >= self.failures
    case "FailureRate":
      return stats.failures.weight >= self.evidence
    case "CountWindow": {
      const ring = stats.rings.find(({ failed }) => failed.length === self.calls)
      return ring !== undefined && ring.calls >= self.minimumCalls && ring.failures / ring.calls >= self.rate
    }
    case "TimeWindow":
      return window !== undefined && window.calls >= self.minimumCalls && window.failures / window.calls >= self.rate
    case "SlowCallRate":
      return window !== undefined && window.calls >= self.minimumCalls && window.slowCalls / window.calls >= self.rate
    case "MinimumCalls":
      return window !== undefined && window.calls >= self.calls
    case "Custom":
      try {
        return self.test(healthOf(stats)) === true
      } catch {
        // a rule that fails has no say
        return false
      }
  }
}

const healthOf = ({ streak, window }: CallStats.CallStats): Health => {
  const { calls, failures, slowCalls } = window ?? { calls: 0, failures: 0, slowCalls: 0 }
  return {
    consecutiveFailures: streak,
    calls,
    failures,
    slowCalls,
    failureRate: calls === 0 ? 0 : failures / calls,
    slowCallRate: calls === 0 ? 0 : slowCalls / calls
  }
}

/**
 * The rule in words, as an event names it.
 *
 * @category getters
 * @since 0.1.0
 */
export const nameOf = (self: TripRule): string => {
  switch (self._tag) {
    case "Consecutive":
      return `consecutive(${self.failures})`
    case "FailureRate":
      return `failureRate(${self.rate})`
    case "CountWindow":
      return `countWindow(${self.rate} of ${self.calls})`
    case "TimeWindow":
      return `timeWindow(${self.rate})`
    case "SlowCallRate":
      return `slowCallRate(${self.rate})`
    case "MinimumCalls":
      return `minimumCalls(${self.calls})`
    case "Custom":
      return self.name
    case "Or":
    case "And":
      return self.rules.map(nameOf).join(self._tag === "Or" ? " or " : " and ")
  }
}

/**
 * How failures are weighed: by the first rule that weighs them, or as the default does.
 *
 * @category getters
 * @since 0.1.0
 */
export const evidenceOf = (self: TripRule, forgetAfter: number): Evidence.Rule => {
  const weighing = parts(self).find((rule) => rule._tag === "FailureRate")
  return { rate: weighing?.rate ?? 0.5, limit: weighing?.evidence ?? 13, forgetAfter }
}
