/**
 * What brings an answer to a cache.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Gathering } from "./CacheTerms.ts"
import type * as SingleFlight from "./SingleFlight.ts"

/**
 * An effect, or one that many can hear of before it ends, each in a way of their own.
 *
 * @category models
 * @since 0.1.0
 */
export type CacheAsk<A, E, R> = Effect.Effect<A, E, R> | Gathering<A, E, R, any>

const nowhere = (): undefined => undefined

/**
 * The call, as many can wait for it.
 *
 * @category getters
 * @since 0.1.0
 */
export const gatheringOf = <A, E, R>(ask: CacheAsk<A, E, R>): SingleFlight.Gathering<A, E, R, any> =>
  Effect.isEffect(ask) ? { open: nowhere, enter: nowhere, call: () => ask } : ask

/**
 * What calls for this key have to have in common to be one: whoever expects to hear something joins none that says nothing.
 *
 * @category getters
 * @since 0.1.0
 */
export const flightOf = <A, E, R>(key: string, ask: CacheAsk<A, E, R>): string =>
  Effect.isEffect(ask) ? key : `${key} ${ask.kind}`
