/**
 * Chooses whom to ask next.
 *
 * Lower tiers first, degraded endpoints last; inside a tier the less loaded of
 * two picked by chance, which costs the same for two endpoints and ten thousand
 * and does not send everybody to the fastest.
 *
 * Source: M. Mitzenmacher, "The Power of Two Choices in Randomized Load
 * Balancing" (2001), on peak-EWMA latency times calls under way.
 *
 * @since 0.1.0
 */
import type * as Random from "effect/Random"
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import type * as Registry from "../endpoint/Registry.ts"

// small sets are compared whole: chance would cost as much and know less
const scanned = 4

// draws of two before a large tier is searched in order
const draws = 3

// what an endpoint that was never measured is taken for, in milliseconds: not zero, or all would swarm to it
const unmeasured = 1000

const lighter = (
  a: GuardedEndpoint | undefined,
  b: GuardedEndpoint | undefined,
  now: number
): GuardedEndpoint | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  return b.load(now, unmeasured) < a.load(now, unmeasured) ? b : a
}

const inTier = (
  tier: Registry.Tier,
  mayAsk: (target: GuardedEndpoint) => boolean,
  now: number,
  random: Random.Random
): GuardedEndpoint | undefined => {
  if (tier.length > scanned) {
    for (let draw = 0; draw < draws; draw++) {
      const first = Math.floor(random.nextDoubleUnsafe() * tier.length)
      const other = Math.floor(random.nextDoubleUnsafe() * (tier.length - 1))
      const a = tier[first]!
      const b = tier[other >= first ? other + 1 : other]!
      const chosen = lighter(mayAsk(a) ? a : undefined, mayAsk(b) ? b : undefined, now)
      if (chosen !== undefined) return chosen
    }
    return tier.find(mayAsk)
  }
  let best: GuardedEndpoint | undefined
  // begin anywhere, so that equals share
  const start = Math.floor(random.nextDoubleUnsafe() * tier.length)
  for (let step = 0; step < tier.length; step++) {
    const target = tier[(start + step) % tier.length]!
    if (mayAsk(target)) best = lighter(best, target, now)
  }
  return best
}

/**
 * The next endpoint to ask among those not tried yet, if there is one.
 *
 * @category routing
 * @since 0.1.0
 */
export const next = (
  tiers: ReadonlyArray<Registry.Tier>,
  tried: ReadonlySet<GuardedEndpoint>,
  now: number,
  random: Random.Random
): GuardedEndpoint | undefined => {
  const mayAskFirst = (target: GuardedEndpoint): boolean => !tried.has(target) && !target.isDegraded(now)
  for (const tier of tiers) {
    const target = inTier(tier, mayAskFirst, now, random)
    if (target !== undefined) return target
  }
  const mayAsk = (target: GuardedEndpoint): boolean => !tried.has(target)
  for (const tier of tiers) {
    const target = inTier(tier, mayAsk, now, random)
    if (target !== undefined) return target
  }
  return undefined
}
