/**
 * Every way in which a relayed call can fail.
 *
 * When all candidates fail for one reason, the relay fails with that tag and
 * the soonest `retryAfter`; only a mixture is `RelayExhausted`. Each carries its
 * `attempts`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import {
  ContentRefused,
  ContextTooLong,
  EndpointUnavailable,
  InvalidResponse,
  ModelNotFound,
  QuotaExceeded,
  RequestRejected,
  Unauthorized
} from "../endpoint/Failure.ts"
import * as Attempt from "../policy/Attempt.ts"
import { BudgetExceeded } from "../policy/BudgetExceeded.ts"
import { BulkheadFull } from "../policy/Bulkhead.ts"
import { CircuitOpen } from "../policy/CircuitBreaker.ts"
import { DeadlineExceeded } from "../policy/DeadlineExceeded.ts"
import { RateLimited } from "../policy/RateLimiter.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import { StreamInterrupted } from "./StreamInterrupted.ts"

export {
  /**
   * A stream broke after its commit point.
   *
   * @category errors
   * @since 0.1.0
   */
  StreamInterrupted
} from "./StreamInterrupted.ts"

export {
  /**
   * The caller's deadline passed.
   *
   * @category errors
   * @since 0.1.0
   */
  DeadlineExceeded
} from "../policy/DeadlineExceeded.ts"

/**
 * Every candidate failed, for different reasons, and `attempts` has them all; or there is nobody left to ask.
 *
 * @category errors
 * @since 0.1.0
 */
export class RelayExhausted extends Schema.TaggedError<RelayExhausted>()("RelayExhausted", {
  /** When the first of them may be asked again, where one said so. */
  retryAfter: Schema.optionalKey(Schema.DurationFromMillis),
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return `no endpoint answered${Attempt.trail(this.attempts)}`
  }
}

/**
 * The failures of a relayed chat, as a schema: they cross RPC and HTTP boundaries.
 *
 * @category models
 * @since 0.1.0
 */
export const RelayError = Schema.Union([
  RateLimited,
  QuotaExceeded,
  CircuitOpen,
  BulkheadFull,
  EndpointUnavailable,
  InvalidResponse,
  Unauthorized,
  ModelNotFound,
  ContextTooLong,
  ContentRefused,
  RequestRejected,
  DeadlineExceeded,
  BudgetExceeded,
  RelayExhausted
])

/**
 * The failures of a relayed chat.
 *
 * @category models
 * @since 0.1.0
 */
export type RelayError = typeof RelayError.Type

/**
 * The failures of a relayed stream, as a schema: those of a chat, and what is left to say once something came out.
 *
 * @category models
 * @since 0.1.0
 */
export const StreamError = Schema.Union([...RelayError.members, StreamInterrupted])

/**
 * The failures of a relayed stream.
 *
 * @category models
 * @since 0.1.0
 */
export type StreamError = typeof StreamError.Type

/**
 * The failures that a relay adds to those of an operation of your own: what its
 * policies refuse, and what earlier answers have shown.
 *
 * @category models
 * @since 0.1.0
 */
export type ExecuteError =
  | RateLimited
  | QuotaExceeded
  | CircuitOpen
  | BulkheadFull
  | EndpointUnavailable
  | Unauthorized
  | ModelNotFound
  | RequestRejected
  | DeadlineExceeded
  | RelayExhausted

const ours = [
  RateLimited,
  QuotaExceeded,
  CircuitOpen,
  BulkheadFull,
  EndpointUnavailable,
  InvalidResponse,
  Unauthorized,
  ModelNotFound,
  ContextTooLong,
  ContentRefused,
  RequestRejected,
  DeadlineExceeded,
  BudgetExceeded,
  RelayExhausted
] as const

const traced = [...ours, StreamInterrupted] as const

/**
 * The same failure with its trail; a failure of somebody else's is left as it is.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withAttempts = <E>(failure: E, attempts: ReadonlyArray<Attempt.Attempt>): E => {
  if (Verdict.tagOf(failure) === undefined) return failure
  const errorClass = traced.find((candidate) => failure instanceof candidate)
  if (errorClass === undefined) return failure
  return Rejection.make(errorClass as never, { ...failure, attempts } as never) as E
}

/**
 * Whether a failure is one of the relay's.
 *
 * @category guards
 * @since 0.1.0
 */
export const isRelayError = (failure: unknown): failure is RelayError =>
  Verdict.tagOf(failure) !== undefined && ours.some((errorClass) => failure instanceof errorClass)

const hintOf = (failure: unknown): Duration.Duration | undefined => {
  try {
    const hint = typeof failure === "object" && failure !== null && "retryAfter" in failure
      ? failure.retryAfter
      : undefined
    return Duration.isDuration(hint) ? hint : undefined
  } catch {
    return undefined
  }
}

/**
 * The tag by which failures count as the same reason.
 *
 * @category getters
 * @since 0.1.0
 */
export const tagOf = (failure: unknown): string => {
  const tag = Verdict.tagOf(failure)
  if (tag !== undefined) return tag
  try {
    return failure instanceof Error ? failure.name : "Failure"
  } catch {
    return "Failure"
  }
}

/**
 * What is left to say when every candidate of a round has failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Summary<E> {
  readonly failure: E | RelayExhausted
  /** Whether waiting may help. */
  readonly again: boolean
  /** Milliseconds until the first that may succeed can be asked. */
  readonly soonest: number
}

/**
 * One failure for a round's failures: theirs if they agree, otherwise `RelayExhausted`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const summarize = <E>(
  failures: readonly [E, ...Array<E>],
  attempts: ReadonlyArray<Attempt.Attempt>
): Summary<E> => {
  const again = failures.filter((failure) => Verdict.of(failure).again)
  // who can be asked again soon does not have to wait for who cannot
  const soonest = soonestOf(again.length > 0 ? again : failures)
  const tag = tagOf(failures[0])
  const failure = failures.every((other) => tagOf(other) === tag)
    ? withAttempts(soonest.failure ?? failures[0], attempts)
    : Rejection.make(
      RelayExhausted,
      soonest.hint === undefined ? { attempts } : { retryAfter: soonest.hint, attempts }
    )
  return {
    failure,
    again: again.length > 0,
    soonest: again.length === 0 || soonest.hint === undefined ? 0 : Duration.toMillis(soonest.hint)
  }
}

// a failure without a hint may be over at once
const soonestOf = <E>(failures: ReadonlyArray<E>): { readonly failure?: E; readonly hint?: Duration.Duration } => {
  let soonest: { readonly failure: E; readonly hint: Duration.Duration } | undefined
  for (const failure of failures) {
    const hint = hintOf(failure)
    if (hint === undefined) {
      if (Verdict.of(failure).again) return { failure }
      continue
    }
    if (soonest === undefined || Duration.isLessThan(hint, soonest.hint)) soonest = { failure, hint }
  }
  return soonest ?? {}
}
