/**
 * One after the other.
 *
 * @since 0.1.0
 */
import type * as Lineup from "../endpoint/Lineup.ts"
import * as Choice from "./Choice.ts"

/** Whose turn it is in a tier, by its place. */
interface Turn {
  next: number
}

const reasons: Choice.Reasons = {
  chosen: "it is its turn",
  passedOver: "it is the turn of another of its tier",
  changes: "with the next calls",
  isByLoad: false
}

const over = (turns: WeakMap<Lineup.Tier, Turn>, before: WeakMap<Lineup.Tier, Turn> | undefined): Choice.Strategy => ({
  name: "roundRobin",
  reasons: () => reasons,
  rehearse: () => over(new WeakMap(), turns),
  pick: (tier, choice) => {
    let turn = turns.get(tier)
    if (turn === undefined) {
      turn = { next: before?.get(tier)?.next ?? Math.floor(choice.random.nextDoubleUnsafe() * tier.length) }
      turns.set(tier, turn)
    }
    for (let step = 0; step < tier.length && choice.looks > 0; step++) {
      const target = tier[turn.next]!
      turn.next = (turn.next + 1) % tier.length
      if (Choice.mayAsk(choice, target)) return target
    }
    return undefined
  }
})

/**
 * A round for each tier; where it begins is left to chance, so that many processes do not begin with the same.
 *
 * @category strategies
 * @since 0.1.0
 */
export const make = (): Choice.Strategy => over(new WeakMap(), undefined)
