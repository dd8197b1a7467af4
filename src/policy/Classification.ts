/**
 * What the end of a call says of the one that was called.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Exit from "effect/Exit"
import * as Configuration from "./Configuration.ts"
import * as Verdict from "./Verdict.ts"

/**
 * What a circuit breaker makes of a call: for it, against it, or nothing.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = "Success" | "Failure" | "Ignored"

/**
 * How the end of a call is read, where the default is not right.
 *
 * Without one, a success is a success; a failure of this library counts as its
 * documentation says (a 429, a refusal and a caller's mistake are ignored); any
 * other failure and every defect is a failure. An interrupt is always ignored.
 * A function that throws, or that gives anything else than an outcome, has no say.
 *
 * @category models
 * @since 0.1.0
 */
export interface Classification {
  /** What failures with these tags are. */
  readonly tags?: Readonly<Record<string, Outcome>> | undefined
  /** What an error without such a tag is; `undefined` for the default. */
  readonly error?: ((error: unknown) => Outcome | undefined) | undefined
  /** What a result is; `undefined` for a success. */
  readonly result?: ((result: unknown) => Outcome | undefined) | undefined
}

const isOutcome = (value: unknown): value is Outcome =>
  value === "Success" || value === "Failure" || value === "Ignored"

const ask = (f: ((value: unknown) => Outcome | undefined) | undefined, value: unknown): Outcome | undefined => {
  if (f === undefined) return undefined
  try {
    const outcome = f(value)
    return isOutcome(outcome) ? outcome : undefined
  } catch {
    return undefined
  }
}

/**
 * The first failure in the end of a call, if there is one.
 *
 * @category getters
 * @since 0.1.0
 */
export const failureOf = <E>(exit: Exit.Exit<unknown, E>): { readonly error: E } | undefined =>
  exit._tag === "Failure" ? exit.cause.reasons.find(Cause.isFailReason) : undefined

/**
 * What the end of a call says.
 *
 * @category getters
 * @since 0.1.0
 */
export const classify = (self: Classification, exit: Exit.Exit<unknown, unknown>): Outcome => {
  if (exit._tag === "Success") return ask(self.result, exit.value) ?? "Success"
  // a failure counts even where it interrupted siblings on its way
  const failure = failureOf(exit)
  if (failure === undefined) return Cause.hasInterrupts(exit.cause) ? "Ignored" : "Failure"
  const tag = Verdict.tagOf(failure.error)
  if (tag !== undefined && self.tags !== undefined && Object.hasOwn(self.tags, tag)) return self.tags[tag]!
  return ask(self.error, failure.error) ?? Verdict.of(failure.error).breaker
}

/**
 * The default.
 *
 * @category constants
 * @since 0.1.0
 */
export const standard: Classification = {}

// a Map or an array has entries that nobody would look up
const isRecord = (value: unknown): value is object =>
  typeof value === "object" && value !== null &&
  (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)

const isFunction = (value: unknown): boolean => value === undefined || typeof value === "function"

/**
 * A classification that can be used.
 *
 * @category fields
 * @since 0.1.0
 */
export const Classification = Configuration.field(
  (value): value is Classification => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return false
    const { error, result, tags, ...rest } = value as Record<string, unknown>
    return Object.keys(rest).length === 0 && isFunction(error) && isFunction(result) &&
      (tags === undefined || (isRecord(tags) && Object.values(tags).every(isOutcome)))
  },
  "it has to have `tags` with \"Success\", \"Failure\" or \"Ignored\" for each, or functions `error` and `result`"
)
