/**
 * Circuit breakers, bulkheads, rate limiters and response caches as Effect
 * Layers, retries as Schedules, and a relay that keeps answering when the APIs
 * behind it do not.
 *
 * @since 0.1.0
 */
export * as Money from "./machine/Money.ts"

export * as Attempt from "./policy/Attempt.ts"
export * as Budget from "./policy/Budget.ts"
export * as Bulkhead from "./policy/Bulkhead.ts"
export * as CanonicalJson from "./policy/CanonicalJson.ts"
export * as CircuitBreaker from "./policy/CircuitBreaker.ts"
export * as Configuration from "./policy/Configuration.ts"
export * as Deadline from "./policy/Deadline.ts"
export * as Fallback from "./policy/Fallback.ts"
export * as Hedge from "./policy/Hedge.ts"
export * as Idempotent from "./policy/Idempotent.ts"
export * as InvalidArgument from "./policy/InvalidArgument.ts"
export * as Policy from "./policy/Policy.ts"
export * as RateLimiter from "./policy/RateLimiter.ts"
export * as ResponseCache from "./policy/ResponseCache.ts"
export * as Retry from "./policy/Retry.ts"
export * as RetryBudget from "./policy/RetryBudget.ts"
export * as Timeout from "./policy/Timeout.ts"
export * as Tokens from "./policy/Tokens.ts"
export * as Verdict from "./policy/Verdict.ts"

export * as Audit from "./endpoint/Audit.ts"
export * as Capabilities from "./endpoint/Capabilities.ts"
export * as ChatAnswer from "./endpoint/ChatAnswer.ts"
export * as ChatRequest from "./endpoint/ChatRequest.ts"
export * as Classifier from "./endpoint/Classifier.ts"
export * as Dialect from "./endpoint/Dialect.ts"
export * as Endpoint from "./endpoint/Endpoint.ts"
export * as EndpointStatus from "./endpoint/EndpointStatus.ts"
export * as Failure from "./endpoint/Failure.ts"
export * as Health from "./endpoint/Health.ts"
export * as LimitHeaders from "./endpoint/LimitHeaders.ts"
export * as Registry from "./endpoint/Registry.ts"
export * as RetryAfter from "./endpoint/RetryAfter.ts"
export * as WireRequest from "./endpoint/WireRequest.ts"

export * as Balance from "./relay/Balance.ts"
export * as Charge from "./relay/Charge.ts"
export * as Meta from "./relay/Meta.ts"
export * as RelayError from "./relay/RelayError.ts"
export * as RelayEvent from "./relay/RelayEvent.ts"
export * as RelayExplanation from "./relay/RelayExplanation.ts"
export * as RelayService from "./relay/RelayService.ts"
export * as StreamChunk from "./relay/StreamChunk.ts"

export * as ErrorReply from "./integration/ErrorReply.ts"
export * as RelayFetch from "./integration/RelayFetch.ts"
export * as RelayGateway from "./integration/RelayGateway.ts"
export * as RelayHttpClient from "./integration/RelayHttpClient.ts"
export * as RelayLanguageModel from "./integration/RelayLanguageModel.ts"
export * as RelayPromise from "./integration/RelayPromise.ts"
