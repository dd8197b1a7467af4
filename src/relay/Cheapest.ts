/**
 * Where the request costs least; of those that cost the same, the less loaded of two.
 *
 * Which is cheapest depends on how much of a request is question and how much is
 * answer. That mix is rounded, so that an order is made once for all requests
 * alike and a choice goes through no list. Where there is a cap on the latency
 * that this may add, who is slower than the fastest by more is passed over.
 *
 * @since 0.1.0
 */
import * as Endpoint from "../endpoint/Endpoint.ts"
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import type * as Lineup from "../endpoint/Lineup.ts"
import * as Words from "../policy/Words.ts"
import * as Choice from "./Choice.ts"
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

const reasons: Choice.Reasons = {
  chosen: "the request costs least here, with the least to do where others cost the same",
  passedOver: "others of its tier cost less for this request, or the same and have less to do",
  changes: "when those have no room, or with another request",
  isByLoad: true
}

/** The plan of each tier, as long as the tier is the same. */
const planner = () => {
  const plans = new WeakMap<Lineup.Tier, Plan>()
  return (tier: Lineup.Tier, { wish }: Choice.Choice): Plan => {
    let known = plans.get(tier)
    if (known === undefined) {
      // a tier has the candidates for one model
      known = plan(tier, wish.model)
      plans.set(tier, known)
    }
    return known
  }
}

/**
 * The orders for each tier.
 *
 * @category strategies
 * @since 0.1.0
 */
export const make = (): Choice.Strategy => {
  const planOf = planner()
  return {
    name: "cheapest",
    reasons: () => reasons,
    pick: (tier, choice) => {
      for (const { members } of orderFor(planOf(tier, choice), mixOf(choice.wish))) {
        const target = LighterOfTwo.pick(members, choice, load)
        if (target !== undefined || choice.looks <= 0) return target
      }
      return undefined
    }
  }
}

// tiers of no more than this are looked at whole for the fastest; of others the one that was found so far, and these many
const scanned = 8
const probes = 3

// so many groups may be too slow before the fastest is taken, whatever it costs
const slowGroups = 4

// in milliseconds, between calls that are sent somewhere to learn how fast it is
const lessonsApart = 10_000

/** What is known of the speed of a tier. */
interface Pace {
  fastest: GuardedEndpoint | undefined
  taughtAt: number
}

interface Survey {
  readonly fastest: GuardedEndpoint | undefined
  /** Somebody of whom nobody knows how fast it is. */
  readonly unknown: GuardedEndpoint | undefined
}

const speedOf = (target: GuardedEndpoint, now: number): number => target.fitness.steady(now) ?? Infinity

const survey = (tier: Lineup.Tier, choice: Choice.Choice, known: GuardedEndpoint | undefined): Survey => {
  let fastest: GuardedEndpoint | undefined
  let unknown: GuardedEndpoint | undefined
  const look = (target: GuardedEndpoint): void => {
    if (!Choice.mayAsk(choice, target)) return
    if (target.fitness.steady(choice.now) === undefined) unknown = target
    else if (fastest === undefined || speedOf(target, choice.now) < speedOf(fastest, choice.now)) fastest = target
  }
  if (tier.length <= scanned) tier.forEach(look)
  else {
    if (known !== undefined) look(known)
    for (let probe = 0; probe < probes; probe++) {
      look(tier[Math.floor(choice.random.nextDoubleUnsafe() * tier.length)]!)
    }
  }
  return { fastest, unknown }
}

/**
 * The same, but for those that take longer than the fastest of the tier by more than this, in milliseconds.
 *
 * How fast they are is known of those that are asked, so that at most every ten seconds a call goes to one of which nothing
 * was heard for five minutes.
 *
 * @category strategies
 * @since 0.1.0
 */
export const within = (maxAddedLatency: number): Choice.Strategy => {
  const planOf = planner()
  const paces = new WeakMap<Lineup.Tier, Pace>()
  const strategy = (isRehearsal: boolean): Choice.Strategy => ({
    name: "cheapest",
    reasons: () => reasons,
    rehearse: () => strategy(true),
    passesOver: (target, rivals, now) => {
      const least = Math.min(...rivals.map((rival) => speedOf(rival, now)))
      const added = (target.fitness.steady(now) ?? 0) - least
      return added <= maxAddedLatency ? undefined : {
        passedOver: `it takes ${Words.duration(Math.round(added))} longer than the fastest of its tier, ` +
          `and ${Words.duration(maxAddedLatency)} is allowed`,
        changes: "when it answers faster, or the others have no room"
      }
    },
    pick: (tier, choice) => {
      const { now } = choice
      const pace = paces.get(tier) ?? { fastest: undefined, taughtAt: -Infinity }
      const { fastest, unknown } = survey(tier, choice, pace.fastest)
      const isLesson = unknown !== undefined && fastest !== undefined && now - pace.taughtAt >= lessonsApart
      if (!isRehearsal) paces.set(tier, { fastest, taughtAt: isLesson ? now : pace.taughtAt })
      if (isLesson) return unknown
      const longest = (fastest === undefined ? Infinity : speedOf(fastest, now)) + maxAddedLatency
      let slow = 0
      for (const { members } of orderFor(planOf(tier, choice), mixOf(choice.wish))) {
        const target = LighterOfTwo.pick(members, choice, load)
        if (target !== undefined && (target.fitness.steady(now) ?? 0) <= longest) return target
        if (choice.looks <= 0) return target ?? fastest
        if (target !== undefined && ++slow >= slowGroups) return fastest
      }
      return fastest
    }
  })
  return strategy(false)
}
