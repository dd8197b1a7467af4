/**
 * The rules by which a closed circuit opens.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Configuration from "./Configuration.ts"

/**
 * When a closed circuit opens.
 *
 * @category models
 * @since 0.1.0
 */
export type TripPolicy =
  | { readonly _tag: "Consecutive"; readonly failures: number }
  | { readonly _tag: "FailureRate"; readonly rate: number; readonly evidence: number }

/**
 * Opens after this many failures in a row, from 1 up.
 *
 * Simple, and twitchy: under a steady 30% of background errors, five in a row
 * come up thousands of times a day.
 *
 * @category trip policies
 * @since 0.1.0
 */
export const consecutive = (failures: number): TripPolicy => ({ _tag: "Consecutive", failures })

/**
 * Opens once failures outweigh what the tolerated rate allows.
 *
 * `rate` (above 0, below 1, default 0.5) is the failure rate at which evidence
 * neither grows nor shrinks; `evidence` (1 up, default 13) is how many failures
 * on end it takes. It opens within 13 calls of an outage; under a steady 30% of
 * errors it opens once in some 265 000 calls.
 *
 * Source: CUSUM, E. S. Page, Biometrika 41 (1954).
 *
 * @category trip policies
 * @since 0.1.0
 */
export const failureRate = (options?: {
  readonly rate?: number | undefined
  readonly evidence?: number | undefined
}): TripPolicy => ({ _tag: "FailureRate", rate: options?.rate ?? 0.5, evidence: options?.evidence ?? 13 })

/**
 * A trip policy within its bounds.
 *
 * @category fields
 * @since 0.1.0
 */
export const TripPolicy = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Consecutive"), failures: Configuration.integer(1) }),
  Schema.Struct({
    _tag: Schema.Literal("FailureRate"),
    rate: Configuration.share("open"),
    evidence: Configuration.integer(1)
  })
])
