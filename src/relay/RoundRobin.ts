/**
 * One after the other.
 *
 * @since 0.1.0
 */
import type * as Lineup from "../endpoint/Lineup.ts"
import * as Choice from "./Choice.ts"

/**
 * A round for each tier; where it begins is left to chance, so that many processes do not begin with the same.
 *
 * @category strategies
 * @since 0.1.0
 */
export const make = (): Choice.Strategy => {
  const rounds = new WeakMap<Lineup.Tier, { at: number }>()
  return {
    pick: (tier, choice) => {
      let round = rounds.get(tier)
      if (round === undefined) {
        round = { at: Math.floor(choice.random.nextDoubleUnsafe() * tier.length) }
        rounds.set(tier, round)
      }
      for (let step = 0; step < tier.length && choice.looks > 0; step++) {
        const target = tier[round.at]!
        round.at = (round.at + 1) % tier.length
        if (Choice.mayAsk(choice, target)) return target
      }
      return undefined
    }
  }
}
