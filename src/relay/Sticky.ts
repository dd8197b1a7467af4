/**
 * Calls with the same affinity go to the same endpoint, for as long as it can answer.
 *
 * When it cannot, its calls go where their own order of preference says next,
 * and those of the others stay. Relays in other processes choose alike.
 *
 * @since 0.1.0
 */
import type * as Lineup from "../endpoint/Lineup.ts"
import * as Rendezvous from "../machine/Rendezvous.ts"
import * as Choice from "./Choice.ts"
import * as LighterOfTwo from "./LighterOfTwo.ts"

/**
 * The names of each tier, hashed; a call without an affinity goes where it would by default.
 *
 * @category strategies
 * @since 0.1.0
 */
export const make = (): Choice.Strategy => {
  const plans = new WeakMap<Lineup.Tier, Rendezvous.Rendezvous>()
  return {
    name: "sticky",
    reasons: (wish) =>
      wish.affinity === undefined ? LighterOfTwo.peakEwma.reasons(wish) : {
        chosen: "calls of this affinity go here",
        passedOver: "calls of this affinity go to another of its tier",
        changes: "when that one cannot take them, or with another affinity",
        isByLoad: false
      },
    pick: (tier, choice) => {
      const { affinity } = choice.wish
      if (affinity === undefined) return LighterOfTwo.peakEwma.pick(tier, choice)
      let plan = plans.get(tier)
      if (plan === undefined) {
        plan = Rendezvous.make(tier.map(({ endpoint: { id, weight } }) => ({ name: id, weight })))
        plans.set(tier, plan)
      }
      const place = Rendezvous.find(plan, affinity, choice.looks, (index) => Choice.mayAsk(choice, tier[index]!))
      return tier[place]
    }
  }
}
