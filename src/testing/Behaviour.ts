/**
 * What a simulated endpoint is like.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Prices } from "../endpoint/Prices.ts"
import type * as SimulatedAccount from "./SimulatedAccount.ts"

/**
 * How long answers take: lognormally distributed, as those of most services are, and a few of them far longer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Latency {
  /** Zero or more, and finite. */
  readonly median: Duration.Input
  /** The deviation of its logarithm, 0 to 10: 0 for always the same, 0.3 for one in forty above 1.8 times the median. */
  readonly sigma: number
  /** The share of answers, 0 to 1, that take so many times as long. */
  readonly stragglers?: { readonly share: number; readonly factor: number } | undefined
}

/**
 * A time during which something is wrong. Of two at one time both count, each by a draw of its own. All shares are from 0
 * to 1, those of one incident 1 at most together.
 *
 * @category models
 * @since 0.1.0
 */
export interface Incident extends SimulatedAccount.Span {
  /** Answers take so many times as long; zero or more. */
  readonly latencyFactor?: number | undefined
  /** The share of requests that get no answer, ever. */
  readonly silence?: number | undefined
  /** The share that gets HTTP 500. */
  readonly failures?: number | undefined
  /** The share that gets HTTP 200, and an error in the body. */
  readonly hiddenErrors?: number | undefined
  /** The share that gets no connection. */
  readonly unreachable?: number | undefined
  /** How long failures take. Default: as long as answers. */
  readonly failsIn?: Duration.Input | undefined
}

/**
 * What an endpoint is like.
 *
 * @category models
 * @since 0.1.0
 */
export interface Behaviour {
  readonly latency: Latency
  /** The share of requests that get HTTP 500 at any time, 0 to 1. */
  readonly failures: number
  readonly incidents: ReadonlyArray<Incident>
  /**
   * How many requests it works on at once, a whole number from 1 to a million; others wait in line, also for what nobody
   * waits for. Default: all.
   */
  readonly workers: number | undefined
  /** Tokens of a question, a whole number from 0 up. */
  readonly inputTokens: number
  /** Tokens of an answer, likewise. */
  readonly outputTokens: number
}

/**
 * Somebody who lives in a simulated world.
 *
 * @category models
 * @since 0.1.0
 */
export interface Inhabitant {
  readonly id: string
  readonly account: SimulatedAccount.SimulatedAccount
  readonly behaviour: Behaviour
  readonly prices: Prices | undefined
}
