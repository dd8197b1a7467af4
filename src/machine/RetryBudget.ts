/**
 * Retries paid for by successes, so that they stop when nothing succeeds.
 *
 * A budget credited by requests keeps feeding a collapsed service; one credited
 * by successes lets it recover.
 *
 * Source: gRPC proposal A6 (retry throttling) and the AWS SDKs' retry quota.
 *
 * @since 0.1.0
 */

/**
 * What a retry costs is one; `ratio` is what a success pays in, `capacity` the most it can hold.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  readonly capacity: number
  readonly ratio: number
}

/**
 * The budget after a success.
 *
 * @category transitions
 * @since 0.1.0
 */
export const deposit = (tokens: number, rule: Rule): number => Math.min(rule.capacity, tokens + rule.ratio)

/**
 * The budget after a retry, or `undefined` when it cannot pay for one.
 *
 * @category transitions
 * @since 0.1.0
 */
export const withdraw = (tokens: number): number | undefined => tokens >= 1 ? tokens - 1 : undefined

/**
 * The budget after a retry that was paid for did not happen.
 *
 * @category transitions
 * @since 0.1.0
 */
export const refund = (tokens: number, rule: Rule): number => Math.min(rule.capacity, tokens + 1)
