/**
 * How calls are shared among the endpoints of a tier.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Configuration from "../policy/Configuration.ts"
import * as Cheapest from "./Cheapest.ts"
import type * as Choice from "./Choice.ts"
import * as LighterOfTwo from "./LighterOfTwo.ts"
import * as OwnChoice from "./OwnChoice.ts"
import * as RoundRobin from "./RoundRobin.ts"
import * as Sticky from "./Sticky.ts"
import * as Weighted from "./Weighted.ts"

export {
  /**
   * What a function of your own sees of an endpoint.
   *
   * @category models
   * @since 0.1.0
   */
  type Candidate,
  /**
   * A function of your own that chooses.
   *
   * @category models
   * @since 0.1.0
   */
  type Choose,
  /**
   * What such a function is told of the call.
   *
   * @category models
   * @since 0.1.0
   */
  type Context
} from "./OwnChoice.ts"

const strategies = {
  peakEwma: () => LighterOfTwo.peakEwma,
  leastLoaded: () => LighterOfTwo.leastLoaded,
  roundRobin: RoundRobin.make,
  weighted: Weighted.make,
  cheapest: Cheapest.make,
  sticky: Sticky.make
} as const

/**
 * A way to share calls. None looks at all endpoints of a large tier.
 *
 * - `"peakEwma"`: of two by chance the one with the least expected wait
 * - `"leastLoaded"`: of two by chance the one with the fewest calls under way
 * - `"roundRobin"`: one after the other
 * - `"weighted"`: by chance, by `weight`
 * - `"cheapest"`: by `prices` and the tokens of the request
 * - `{ cheapest: { maxAddedLatency } }`: the same, but for those that take longer than the fastest by more than that
 * - `"sticky"`: by the `affinity` of the call, or its tenant, always the same one
 * - or a function of your own
 *
 * @category models
 * @since 0.1.0
 */
export type Balance = keyof typeof strategies | CheapestWithin | OwnChoice.Choose

/**
 * The cheapest of those that are fast enough.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheapestWithin {
  readonly cheapest: {
    /** By how much longer than the fastest of its tier an endpoint may take: a duration of zero or more that ends. */
    readonly maxAddedLatency: Duration.Input
  }
}

/**
 * The ways that have a name.
 *
 * @category constants
 * @since 0.1.0
 */
export const names = Object.keys(strategies) as ReadonlyArray<keyof typeof strategies>

/**
 * Whether a value is one of them.
 *
 * @category guards
 * @since 0.1.0
 */
export const isBalance = (value: unknown): value is Balance =>
  typeof value === "function" || names.some((name) => name === value) || capOf(value) !== undefined

const Cap = Schema.Struct({
  cheapest: Schema.Struct({ maxAddedLatency: Configuration.finiteDurationOrZero })
})

/** Milliseconds. */
const capOf = (value: unknown): number | undefined => {
  const decoded = Schema.decodeUnknownResult(Cap)(value, { onExcessProperty: "error" })
  return Result.isSuccess(decoded) ? decoded.success.cheapest.maxAddedLatency : undefined
}

/**
 * The strategy of a relay, with a memory of its own.
 *
 * @category constructors
 * @since 0.1.0
 */
export const toStrategy = (self: Balance): Choice.Strategy => {
  if (typeof self === "function") return OwnChoice.make(self)
  return typeof self === "string" ? strategies[self]() : Cheapest.within(capOf(self) ?? 0)
}
