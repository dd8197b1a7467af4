/**
 * By chance, each endpoint as often as its weight has it.
 *
 * @since 0.1.0
 */
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import type * as Lineup from "../endpoint/Lineup.ts"
import * as AliasTable from "../machine/AliasTable.ts"
import * as Choice from "./Choice.ts"

// small sets are weighed whole, without those that may not be asked
const scanned = 16

// draws before a large tier is searched in order
const draws = 6

const amongFew = (tier: Lineup.Tier, choice: Choice.Choice): GuardedEndpoint | undefined => {
  let chosen: GuardedEndpoint | undefined
  let total = 0
  for (const target of tier) {
    if (!Choice.mayAsk(choice, target)) continue
    const weight = target.endpoint.weight * target.fitness.warmth(choice.now)
    total += weight
    // each takes the place of those before it as often as its part of the sum has it
    if (choice.random.nextDoubleUnsafe() * total < weight) chosen = target
  }
  return chosen
}

const amongMany = (
  tier: Lineup.Tier,
  table: AliasTable.AliasTable,
  choice: Choice.Choice
): GuardedEndpoint | undefined => {
  let cold: GuardedEndpoint | undefined
  for (let draw = 0; draw < draws; draw++) {
    const target = tier[AliasTable.draw(table, choice.random.nextDoubleUnsafe())]!
    if (!Choice.mayAsk(choice, target)) continue
    const warmth = target.fitness.warmth(choice.now)
    if (warmth === 1 || choice.random.nextDoubleUnsafe() < warmth) return target
    // where all are cold, one of them has to do
    cold = target
  }
  return cold ?? Choice.search(choice, tier)
}

/**
 * A table of weights for each large tier.
 *
 * @category strategies
 * @since 0.1.0
 */
export const make = (): Choice.Strategy => {
  const tables = new WeakMap<Lineup.Tier, AliasTable.AliasTable>()
  return {
    name: "weighted",
    reasons: () => ({
      chosen: "it has nearly all of the weight",
      passedOver: "it has little of the weight of its tier",
      changes: "by chance, and as it warms up",
      isByLoad: false
    }),
    pick: (tier, choice) => {
      if (tier.length <= scanned) return amongFew(tier, choice)
      let table = tables.get(tier)
      if (table === undefined) {
        table = AliasTable.make(tier.map(({ endpoint }) => endpoint.weight))
        tables.set(tier, table)
      }
      return amongMany(tier, table, choice)
    }
  }
}
