/**
 * The policies of one endpoint, derived from those of the layers below.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Bulkhead from "../policy/Bulkhead.ts"
import type * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as Configuration from "../policy/Configuration.ts"
import type * as RateLimiter from "../policy/RateLimiter.ts"
import type * as Endpoint from "./Endpoint.ts"

/**
 * What guards an endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export interface EndpointPolicies {
  readonly breaker: CircuitBreaker.CircuitBreaker
  readonly bulkhead: Bulkhead.Bulkhead
  readonly limiter: RateLimiter.RateLimiter
}

// calls that leave evenly spaced arrive a little less so
const networkJitter = "250 millis"

// an option of a policy, told as an option of the endpoint that overrides it
const under =
  (id: string, option: string) =>
  ({ field, rule, value }: Configuration.InvalidConfiguration): Configuration.InvalidConfiguration =>
    new Configuration.InvalidConfiguration({ subject: `Endpoint "${id}"`, field: `${option}.${field}`, value, rule })

/**
 * What a limiter is told of limits by the minute; nothing, if there are none.
 *
 * @category conversions
 * @since 0.1.0
 */
export const rateOf = (
  { requestsPerMinute, tokensPerMinute }: Omit<Endpoint.Limits, "concurrency">
): RateLimiter.Options =>
  requestsPerMinute === undefined && tokensPerMinute === undefined ? {} : {
    limit: requestsPerMinute ?? "unlimited",
    tokenLimit: tokensPerMinute ?? "unlimited",
    window: "1 minute",
    margin: networkJitter
  }

/**
 * Policies for an endpoint, which nobody finds before they are adopted.
 *
 * @category constructors
 * @since 0.1.0
 */
export const derive = Effect.fnUntraced(function*(
  layers: EndpointPolicies,
  endpoint: Endpoint.Endpoint
): Effect.fn.Return<EndpointPolicies, Configuration.InvalidConfiguration> {
  const { concurrency, ...rates } = endpoint.limits
  const breaker = yield* layers.breaker.derive(endpoint.id, endpoint.circuitBreaker).pipe(
    Effect.mapError(under(endpoint.id, "circuitBreaker"))
  )
  const bulkhead = yield* layers.bulkhead.derive(endpoint.id, {
    tier: endpoint.tier,
    ...(concurrency === undefined ? {} : { maxConcurrent: concurrency }),
    ...endpoint.bulkhead
  }).pipe(Effect.mapError(under(endpoint.id, "bulkhead")))
  const limiter = yield* layers.limiter.derive(endpoint.id, { ...rateOf(rates), ...endpoint.rateLimiter }).pipe(
    Effect.mapError(under(endpoint.id, "rateLimiter"))
  )
  return { breaker, bulkhead, limiter }
})

/**
 * From now on they are found in their layers under the endpoint's id.
 *
 * @category transitions
 * @since 0.1.0
 */
export const adopt = (layers: EndpointPolicies, id: string, { breaker, bulkhead, limiter }: EndpointPolicies): void => {
  layers.breaker.adoptUnsafe(id, breaker)
  layers.bulkhead.adoptUnsafe(id, bulkhead)
  layers.limiter.adoptUnsafe(id, limiter)
}

/**
 * From now on they are not found any more.
 *
 * @category transitions
 * @since 0.1.0
 */
export const forget = (
  layers: EndpointPolicies,
  id: string,
  { breaker, bulkhead, limiter }: EndpointPolicies
): void => {
  layers.breaker.forgetUnsafe(id, breaker)
  layers.bulkhead.forgetUnsafe(id, bulkhead)
  layers.limiter.forgetUnsafe(id, limiter)
}
