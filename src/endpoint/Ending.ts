/**
 * How what an endpoint has admitted came to its end.
 *
 * @since 0.1.0
 */
import type * as Verdict from "../policy/Verdict.ts"

/**
 * How an admitted call ended.
 *
 * @category models
 * @since 0.1.0
 */
export type Ending =
  | { readonly _tag: "Answered"; readonly tokens: number | undefined }
  | { readonly _tag: "Failed"; readonly failure: unknown; readonly verdict: Verdict.Verdict }
  | { readonly _tag: "Interrupted" }
  /** The caller's own code has a bug, which tells nothing of the endpoint. */
  | { readonly _tag: "Died"; readonly defect: unknown }

/**
 * How an admitted health check ended: it tells of the endpoint, but it is no call to be counted and measured.
 *
 * @category models
 * @since 0.1.0
 */
export type Checked =
  | { readonly _tag: "CheckPassed" }
  | { readonly _tag: "CheckFailed"; readonly failure: unknown }
