/**
 * Goes through the candidates in the order of the router until one takes the call.
 *
 * @since 0.1.0
 */
import type * as Random from "effect/Random"
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import type * as Registry from "../endpoint/Registry.ts"
import * as Choice from "./Choice.ts"
import type * as Progress from "./Progress.ts"
import * as Route from "./Route.ts"

// how many candidates are drawn one by one before the rest is gone through in order
const draws = 64

/**
 * Who can be asked, tier by tier.
 *
 * @category routing
 * @since 0.1.0
 */
export const of = (
  relay: Progress.Relay,
  model: string | null | undefined,
  wish: Choice.Wish = Choice.noWish
): ReadonlyArray<Registry.Tier> => relay.registry.candidates(model, wish.needs)

/**
 * Among whom, and how, somebody is looked for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Search {
  readonly tiers: ReadonlyArray<Registry.Tier>
  /** Who is not asked any more. */
  readonly tried: Set<GuardedEndpoint>
  readonly now: number
  readonly random: Random.Random
  readonly strategy: Choice.Strategy
  readonly wish: Choice.Wish
}

/**
 * What `ask` says first, of the candidates that were not tried yet; each that is
 * asked is tried from then on. `undefined` when all have been. One synchronous
 * step: no other fiber can come between choice and answer.
 *
 * @category routing
 * @since 0.1.0
 */
export const first = <A>(
  { now, random, strategy, tiers, tried, wish }: Search,
  ask: (target: GuardedEndpoint) => A | undefined
): A | undefined => {
  const tryOut = (target: GuardedEndpoint): A | undefined => {
    tried.add(target)
    return ask(target)
  }
  for (let draw = 0; draw < draws; draw++) {
    const target = Route.next(tiers, tried, now, random, strategy, wish)
    // in a large tier it may have missed one
    if (target === undefined) break
    const taken = tryOut(target)
    if (taken !== undefined) return taken
  }
  for (const tier of tiers) {
    for (const target of tier) {
      const taken = tried.has(target) ? undefined : tryOut(target)
      if (taken !== undefined) return taken
    }
  }
  return undefined
}
