/**
 * What is known of accounts, whichever of their endpoints is asked.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Configuration from "../policy/Configuration.ts"
import type * as RateLimiter from "../policy/RateLimiter.ts"
import type * as Endpoint from "./Endpoint.ts"
import * as EndpointPolicies from "./EndpointPolicies.ts"

/**
 * The description of an account. What its endpoints have of their own, as a quota for each deployment, stands with them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** What all its endpoints together may be asked for. */
  readonly limits?: Omit<Endpoint.Limits, "concurrency"> | undefined
  /**
   * Options of its limiter over those of the `RateLimiter` layer and over its `limits`, such as the `burst` that the account
   * allows, or its `algorithm` where that is known.
   */
  readonly rateLimiter?: RateLimiter.Options | undefined
}

const Settings = Schema.Struct({
  limits: Schema.Struct({
    requestsPerMinute: Schema.optional(Configuration.integer(1)),
    tokensPerMinute: Schema.optional(Configuration.integer(1))
  }),
  rateLimiter: Configuration.field(
    (value): value is RateLimiter.Options => typeof value === "object" && value !== null && !Array.isArray(value),
    "it has to be an object of limiter options"
  )
})

/**
 * The key of the limiter of an account, which is none of an endpoint.
 *
 * @category getters
 * @since 0.1.0
 */
export const keyOf = (account: string): string => `account ${account}`

/**
 * The limiters of accounts, by the names of these, which are found in their layer from now on.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  layer: RateLimiter.RateLimiter,
  accounts: Readonly<Record<string, Options>>
): Effect.fn.Return<ReadonlyMap<string, RateLimiter.RateLimiter>, Configuration.InvalidConfiguration> {
  const limiters = new Map<string, RateLimiter.RateLimiter>()
  for (const [account, options] of Object.entries(accounts)) {
    const subject = `Account ${JSON.stringify(account)}`
    const { limits, rateLimiter } = yield* Configuration.decode(subject, Settings, options, {
      limits: {},
      rateLimiter: {}
    })
    const limiter = yield* layer.derive(keyOf(account), { ...EndpointPolicies.rateOf(limits), ...rateLimiter }).pipe(
      Effect.mapError(({ field, rule, value }) =>
        new Configuration.InvalidConfiguration({ subject, field: `rateLimiter.${field}`, value, rule })
      )
    )
    layer.adoptUnsafe(keyOf(account), limiter)
    limiters.set(account, limiter)
  }
  return limiters
})
