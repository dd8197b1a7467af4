/**
 * Chooses whom to ask next: lower tiers first, degraded endpoints last, and inside a tier by the relay's strategy.
 *
 * @since 0.1.0
 */
import type * as Random from "effect/Random"
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import type * as Lineup from "../endpoint/Lineup.ts"
import * as Choice from "./Choice.ts"
import * as LighterOfTwo from "./LighterOfTwo.ts"

const firstOf = (
  tiers: ReadonlyArray<Lineup.Tier>,
  choice: Choice.Choice,
  strategy: Choice.Strategy
): GuardedEndpoint | undefined => {
  for (const tier of tiers) {
    choice.looks = Choice.maxLooks
    const target = strategy.pick(tier, choice)
    if (target !== undefined) return target
  }
  return undefined
}

/**
 * The next endpoint to ask among those not tried yet. In a tier of more than `Choice.maxLooks` one may be left when this
 * finds none.
 *
 * @category routing
 * @since 0.1.0
 */
export const next = (
  tiers: ReadonlyArray<Lineup.Tier>,
  tried: ReadonlySet<GuardedEndpoint>,
  now: number,
  random: Random.Random,
  strategy: Choice.Strategy = LighterOfTwo.peakEwma,
  wish: Choice.Wish = Choice.noWish
): GuardedEndpoint | undefined => {
  const choice: Choice.Choice = { tried, now, random, wish, isLastResort: false, looks: 0 }
  const target = firstOf(tiers, choice, strategy)
  if (target !== undefined) return target
  choice.isLastResort = true
  return firstOf(tiers, choice, strategy)
}
