/**
 * Where the request costs least; of those that cost the same, the less loaded of two.
 *
 * Which is cheapest depends on how much of a request is question and how much is
 * answer. That mix is rounded, so that an order is made once for all requests
 * alike and a choice goes through no list.
 *
 * @since 0.1.0
 */
import * as Endpoint from "../endpoint/Endpoint.ts"
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import type * as Lineup from "../endpoint/Lineup.ts"
import type * as Choice from "./Choice.ts"
import * as LighterOfTwo from "./LighterOfTwo.ts"

/**
 * Into how many steps the share of the question is rounded.
 *
 * @category constants
 * @since 0.1.0
 */
export const steps = 32

interface Group {
  readonly prices: Endpoint.Prices | undefined
  readonly members: Array<GuardedEndpoint>
}

interface Plan {
  readonly groups: ReadonlyArray<Group>
  /** For each mix, once it was needed, the groups from the cheapest. */
  readonly orders: Map<number, ReadonlyArray<Group>>
}

// a tier has the candidates for one model
const plan = (tier: Lineup.Tier, model: string | undefined): Plan => {
  const groups = new Map<string, Group>()
  for (const target of tier) {
    const prices = Endpoint.pricesOf(target.endpoint, model)
    const key = `${prices?.inputPerMillion} ${prices?.outputPerMillion}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { prices, members: [target] })
    else group.members.push(target)
  }
  return { groups: Array.from(groups.values()), orders: new Map() }
}

// what has no price may cost anything
const priceOf = ({ prices }: Group, input: number): number =>
  prices === undefined ? Infinity : input * prices.inputPerMillion + (steps - input) * prices.outputPerMillion

// an answer without a bound is taken to be as long as the question
const mixOf = ({ input, output }: Choice.Wish): number =>
  input === 0 && output === 0 ? steps / 2 : Math.round(steps * input / (input + (output === 0 ? input : output)))

const orderFor = (plan: Plan, mix: number): ReadonlyArray<Group> => {
  const known = plan.orders.get(mix)
  if (known !== undefined) return known
  const order = plan.groups.toSorted((a, b) => {
    const [one, other] = [priceOf(a, mix), priceOf(b, mix)]
    return one === other ? 0 : one - other
  })
  plan.orders.set(mix, order)
  return order
}

const load: LighterOfTwo.Load = (target, now) => target.fitness.load(now)

/**
 * The orders for each tier.
 *
 * @category strategies
 * @since 0.1.0
 */
export const make = (): Choice.Strategy => {
  const plans = new WeakMap<Lineup.Tier, Plan>()
  return {
    name: "cheapest",
    reasons: () => ({
      chosen: "the request costs least here, with the least to do where others cost the same",
      passedOver: "others of its tier cost less for this request, or the same and have less to do",
      changes: "when those have no room, or with another request",
      isByLoad: true
    }),
    pick: (tier, choice) => {
      let known = plans.get(tier)
      if (known === undefined) {
        known = plan(tier, choice.wish.model)
        plans.set(tier, known)
      }
      for (const { members } of orderFor(known, mixOf(choice.wish))) {
        const target = LighterOfTwo.pick(members, choice, load)
        if (target !== undefined || choice.looks <= 0) return target
      }
      return undefined
    }
  }
}
