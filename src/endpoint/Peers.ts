/**
 * The endpoints of one tier, as far as they are compared with each other.
 *
 * Each call that ends is counted for its endpoint and for all; whoever is far
 * worse than the others is degraded for a while. Nothing here looks at every
 * endpoint.
 *
 * @since 0.1.0
 */
import * as Baseline from "../machine/Baseline.ts"
import * as Demotion from "../machine/Demotion.ts"
import * as Outlier from "../machine/Outlier.ts"
import * as Tally from "../machine/Tally.ts"

/**
 * What is far worse, and what follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface Verdicts {
  readonly outlier: Outlier.Rule
  readonly demotion: Demotion.Rule
}

/**
 * How peers are compared.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rules {
  /** Time constant, in milliseconds, in which what was counted fades. */
  readonly decay: number
  /** Without these, calls are counted and nobody is judged. */
  readonly verdicts: Verdicts | undefined
}

/**
 * What is known of one endpoint beside its peers, in one object: it is looked at for every call.
 *
 * @category models
 * @since 0.1.0
 */
export interface Peer extends Tally.Tally, Demotion.Place {}

/**
 * An endpoint of which nothing is known.
 *
 * @category constructors
 * @since 0.1.0
 */
export const peer = (): Peer => ({ ...Tally.make(), ...Demotion.place() })

/**
 * The endpoints of one tier.
 *
 * @category models
 * @since 0.1.0
 */
export class Peers {
  readonly #rules: Rules
  readonly #tally = Tally.make()
  readonly #baseline: Baseline.Baseline
  readonly #group: Demotion.Group

  /** So many endpoints, of which these are known. What is usual for a model is taken over from the group before. */
  constructor(rules: Rules, size: number, known: ReadonlyArray<Peer>, before: Peers | undefined) {
    this.#rules = rules
    this.#baseline = before === undefined ? new Map() : before.#baseline
    this.#group = Demotion.group(size, known)
    const latest = known.reduce((latest, { at }) => Math.max(latest, at), 0)
    for (const peer of known) Tally.add(this.#tally, peer, latest, rules.decay)
  }

  /** Milliseconds that most answers take, 0 while nobody knows. */
  get typicalLatency(): number {
    return Tally.typical(this.#tally)
  }

  /** Whether the endpoint is far worse than the others, and enough of those are left. */
  isOutlier(peer: Peer, now: number): boolean {
    const { verdicts } = this.#rules
    return verdicts !== undefined && Demotion.isDemoted(this.#group, peer, now, verdicts.demotion)
  }

  /** Notes whether its circuit keeps calls from the endpoint. */
  setDown(peer: Peer, isDown: boolean): void {
    Demotion.setDown(this.#group, peer, isDown)
  }

  /** Counts an answer; says whether the endpoint is held to be worse from now on, until `peer.until`. */
  answered(peer: Peer, model: string, millis: number, startedAt: number, now: number): boolean {
    if (startedAt < peer.since) return false
    const { decay } = this.#rules
    const log = Math.log(Math.max(millis, 0.001))
    const excess = Baseline.excess(this.#baseline, model, log)
    Tally.answered(peer, log, excess, now, decay)
    Tally.answered(this.#tally, log, excess, now, decay)
    return this.#isDemotedNow(peer, now)
  }

  /** Counts a failure, and says the same. */
  failed(peer: Peer, startedAt: number, now: number): boolean {
    if (startedAt < peer.since) return false
    Tally.failed(peer, now, this.#rules.decay)
    Tally.failed(this.#tally, now, this.#rules.decay)
    return this.#isDemotedNow(peer, now)
  }

  #isDemotedNow(peer: Peer, now: number): boolean {
    const { decay, verdicts } = this.#rules
    if (verdicts === undefined || Outlier.judge(peer, this.#tally, verdicts.outlier) === undefined) return false
    if (!Demotion.demote(this.#group, peer, now, verdicts.demotion)) return false
    // it comes back with a clean slate, and is no measure for the others meanwhile
    Tally.subtract(this.#tally, peer, now, decay)
    Object.assign(peer, Tally.make())
    return true
  }
}
