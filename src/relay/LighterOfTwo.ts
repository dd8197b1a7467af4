/**
 * The less loaded of two picked by chance, which costs the same for two
 * endpoints and ten thousand and does not send everybody to the fastest.
 *
 * Source: M. Mitzenmacher, "The Power of Two Choices in Randomized Load
 * Balancing" (2001), on peak-EWMA latency times calls under way.
 *
 * @since 0.1.0
 */
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import type * as Lineup from "../endpoint/Lineup.ts"
import * as Choice from "./Choice.ts"

/**
 * What makes an endpoint heavy.
 *
 * @category models
 * @since 0.1.0
 */
export type Load = (target: GuardedEndpoint, now: number) => number

// small sets are compared whole: chance would cost as much and know less
const scanned = 4

// draws of two before a large tier is searched in order
const draws = 3

const lightest = (tier: Lineup.Tier, choice: Choice.Choice, load: Load): GuardedEndpoint | undefined => {
  let best: GuardedEndpoint | undefined
  let least = Infinity
  // begin anywhere, so that equals share
  const start = Math.floor(choice.random.nextDoubleUnsafe() * tier.length)
  for (let step = 0; step < tier.length; step++) {
    const target = tier[(start + step) % tier.length]!
    if (!Choice.mayAsk(choice, target)) continue
    const weight = load(target, choice.now)
    if (best === undefined || weight < least) {
      best = target
      least = weight
    }
  }
  return best
}

/**
 * Picks from a tier, or from a part of one.
 *
 * @category routing
 * @since 0.1.0
 */
export const pick = (tier: Lineup.Tier, choice: Choice.Choice, load: Load): GuardedEndpoint | undefined => {
  if (tier.length <= scanned) return lightest(tier, choice, load)
  for (let draw = 0; draw < draws; draw++) {
    const first = Math.floor(choice.random.nextDoubleUnsafe() * tier.length)
    const other = Math.floor(choice.random.nextDoubleUnsafe() * (tier.length - 1))
    const a = tier[first]!
    const b = tier[other >= first ? other + 1 : other]!
    const isFirstHeavier = load(b, choice.now) < load(a, choice.now)
    // whether the heavier one may be asked matters only if the lighter may not
    const lighter = isFirstHeavier ? b : a
    if (Choice.mayAsk(choice, lighter)) return lighter
    const heavier = isFirstHeavier ? a : b
    if (Choice.mayAsk(choice, heavier)) return heavier
  }
  return Choice.search(choice, tier)
}

const load: Load = (target, now) => target.fitness.load(now)

const crowd: Load = (target, now) => target.fitness.crowd(now)

/**
 * By the latency that is expected times the calls under way.
 *
 * @category strategies
 * @since 0.1.0
 */
export const peakEwma: Choice.Strategy = {
  name: "peakEwma",
  pick: (tier, choice) => pick(tier, choice, load),
  reasons: () => ({
    chosen: "it is expected to answer soonest",
    passedOver: "others of its tier are expected to answer sooner",
    changes: "when calls end here or begin there",
    isByLoad: true
  })
}

/**
 * By the calls under way alone.
 *
 * @category strategies
 * @since 0.1.0
 */
export const leastLoaded: Choice.Strategy = {
  name: "leastLoaded",
  pick: (tier, choice) => pick(tier, choice, crowd),
  reasons: () => ({
    chosen: "it has the fewest calls under way",
    passedOver: "others of its tier have fewer calls under way",
    changes: "when calls end here or begin there",
    isByLoad: true
  })
}
