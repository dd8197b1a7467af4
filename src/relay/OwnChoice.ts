/**
 * A function of the user's own that chooses among the endpoints of a tier.
 *
 * @since 0.1.0
 */
import * as Endpoint from "../endpoint/Endpoint.ts"
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import type * as Lineup from "../endpoint/Lineup.ts"
import * as Choice from "./Choice.ts"
import * as LighterOfTwo from "./LighterOfTwo.ts"

/**
 * What the function sees of an endpoint: how it is while the function runs. Latencies are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Candidate {
  readonly id: string
  readonly account: string
  readonly tier: number
  readonly weight: number
  /** For the model that is asked for. */
  readonly prices: Endpoint.Prices | undefined
  /** Calls under way. */
  readonly inFlight: number
  /** What one more answer is expected to take. */
  readonly latency: number
  /** The same times calls under way, over weight, more while it warms up: what `"peakEwma"` compares. */
  readonly load: number
  /** Whether this call may go to it now: not one that it has tried, nor one that is degraded while others are not. */
  readonly mayBeAsked: boolean
}

/**
 * What the function is told of the call.
 *
 * @category models
 * @since 0.1.0
 */
export interface Context {
  readonly model: string | undefined
  readonly affinity: string | undefined
  /** About how many tokens it sends, and how many it allows for the answer; 0 where nobody knows. */
  readonly inputTokens: number
  readonly outputTokens: number
  /** A number from 0 to below 1, by the `Random` of the call. */
  readonly random: () => number
  /** Whether this is for an explanation, which asks often and sends nothing: what the function keeps is to stay as it is. */
  readonly isRehearsal: boolean
}

/**
 * Chooses one of the candidates of a tier. For `undefined`, and for one that may not be asked, the default is chosen.
 *
 * @category models
 * @since 0.1.0
 */
export type Choose = (candidates: ReadonlyArray<Candidate>, context: Context) => Candidate | undefined

/** The choice that is being made: candidates are looked at for no other. */
interface Lens {
  choice: Choice.Choice | undefined
}

class View implements Candidate {
  readonly id: string
  readonly account: string
  readonly tier: number
  readonly weight: number
  readonly #target: GuardedEndpoint
  readonly #among: Lineup.Tier
  readonly #lens: Lens

  constructor(target: GuardedEndpoint, among: Lineup.Tier, lens: Lens) {
    this.id = target.endpoint.id
    this.account = target.endpoint.account
    this.tier = target.endpoint.tier
    this.weight = target.endpoint.weight
    this.#target = target
    this.#among = among
    this.#lens = lens
    Object.freeze(this)
  }

  // a function may keep what it was shown, and give it back for another tier
  static targetOf(candidate: unknown, tier: Lineup.Tier): GuardedEndpoint | undefined {
    const isOurs = typeof candidate === "object" && candidate !== null && #among in candidate
    return isOurs && candidate.#among === tier ? candidate.#target : undefined
  }

  get prices(): Endpoint.Prices | undefined {
    return Endpoint.pricesOf(this.#target.endpoint, this.#lens.choice?.wish.model)
  }

  get inFlight(): number {
    return this.#target.fitness.inFlight
  }

  get latency(): number {
    return this.#lens.choice === undefined ? 0 : this.#target.fitness.latency(this.#lens.choice.now)
  }

  get load(): number {
    return this.#lens.choice === undefined ? 0 : this.#target.fitness.load(this.#lens.choice.now)
  }

  get mayBeAsked(): boolean {
    return this.#lens.choice !== undefined && Choice.mayAsk(this.#lens.choice, this.#target)
  }
}

const reasons: Choice.Reasons = {
  chosen: "your function chose it, or chose none that may be asked",
  passedOver: "your function chose another of its tier, or none that may be asked",
  changes: "as the function has it",
  isByLoad: true
}

/**
 * Asks the function, in each tier that is come to.
 *
 * @category strategies
 * @since 0.1.0
 */
export const make = (choose: Choose): Choice.Strategy => {
  const views = new WeakMap<Lineup.Tier, ReadonlyArray<View>>()
  const lens: Lens = { choice: undefined }

  const ask = (
    candidates: ReadonlyArray<View>,
    choice: Choice.Choice,
    isRehearsal: boolean
  ): Candidate | undefined => {
    const { affinity, input, model, output } = choice.wish
    lens.choice = choice
    try {
      return choose(candidates, {
        model,
        affinity,
        inputTokens: input,
        outputTokens: output,
        random: () => choice.random.nextDoubleUnsafe(),
        isRehearsal
      })
    } finally {
      lens.choice = undefined
    }
  }

  const strategy = (isRehearsal: boolean): Choice.Strategy => ({
    name: "function",
    reasons: () => reasons,
    rehearse: () => strategy(true),
    pick: (tier, choice) => {
      let candidates = views.get(tier)
      if (candidates === undefined) {
        candidates = Object.freeze(tier.map((target) => new View(target, tier, lens)))
        views.set(tier, candidates)
      }
      const target = View.targetOf(ask(candidates, choice, isRehearsal), tier)
      // how much the function looked at is its own affair
      choice.looks = Choice.maxLooks
      return target !== undefined && Choice.mayAsk(choice, target)
        ? target
        : LighterOfTwo.peakEwma.pick(tier, choice)
    }
  })

  return strategy(false)
}
