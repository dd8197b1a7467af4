/**
 * What can be said about a retry when it is built.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Attempt from "./Attempt.ts"
import { CircuitOpen } from "./CircuitOpen.ts"
import * as Configuration from "./Configuration.ts"
import * as Rejection from "./Rejection.ts"
import type * as RetryBudget from "./RetryBudget.ts"
import * as RetrySchedule from "./RetrySchedule.ts"
import * as Verdict from "./Verdict.ts"

/**
 * The options of a retry.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * When to try again, and how often; begun anew for each call. Default: that of
   * `standard`.
   */
  readonly schedule?: Schedule.Schedule<unknown> | undefined
  /** What retries are paid from. Default: a budget of its own; `"unlimited"` for none. */
  readonly budget?: RetryBudget.RetryBudget | "unlimited" | undefined
  /** No retry comes before the failure's own `retryAfter`; where that is longer than this, none comes at all. Zero or more. */
  readonly maxRetryAfter?: Duration.Input | undefined
  /** Which failures are tried again; none where it throws. Default: those that `Verdict` says may succeed on the same target later. */
  readonly while?: ((failure: unknown) => boolean) | undefined
}

/**
 * The options within their bounds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const Settings = Schema.Struct({
  schedule: Configuration.field(
    (value): value is Schedule.Schedule<unknown> => Schedule.isSchedule(value),
    "it has to be a Schedule, such as Retry.standard"
  ),
  budget: Configuration.field(
    (value): value is RetryBudget.RetryBudget | "unlimited" | undefined =>
      value === undefined || value === "unlimited" ||
      (typeof value === "object" && value !== null && "withdrawUnsafe" in value),
    "it has to be a RetryBudget or \"unlimited\""
  ),
  maxRetryAfter: Configuration.durationOrZero,
  while: Configuration.field(
    (value): value is (failure: unknown) => boolean => typeof value === "function",
    "it has to be a function from a failure to true or false"
  )
})

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  // which failures is the business of `while`
  schedule: RetrySchedule.exponential().pipe(RetrySchedule.honorRetryAfter()),
  budget: undefined,
  maxRetryAfter: "20 seconds",
  while: (failure: unknown) => Verdict.of(failure).again
} as const satisfies Required<Options>

/**
 * Whether a predicate has the refusals of an open circuit tried again. One made
 * for other errors may stumble over them: then nothing is.
 *
 * @category getters
 * @since 0.1.0
 */
export const retriesOpenCircuit = (isRetryable: (failure: unknown) => boolean): boolean => {
  try {
    return isRetryable(
      Rejection.make(CircuitOpen, { key: "any", reason: "Open" as const, attempts: Attempt.none })
    )
  } catch {
    return false
  }
}
