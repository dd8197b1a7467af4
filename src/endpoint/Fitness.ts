/**
 * How fit an endpoint is for one more call, by what its calls have shown: this
 * is what routing asks.
 *
 * @since 0.1.0
 */
import * as Latency from "../machine/Latency.ts"
import * as SlowStart from "../machine/SlowStart.ts"
import * as Peers from "./Peers.ts"

/**
 * How endpoints are compared. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rules {
  readonly latency: Latency.Rule
  /** How long one that is new, or came back, warms up; 0 for no time. */
  readonly slowStart: number
}

// a failure is as bad as an answer this slow, however fast it came
const failurePenalty = 5_000

// what an endpoint is taken for in milliseconds, at most, before its first answer: not zero, or all would swarm to it,
// and no more, or it would wait behind those known to be slow
const unmeasured = 1_000

// in milliseconds: after that nobody knows how fast it would be
const forgottenAfter = 300_000

// most endpoints of a large set have answered nothing yet: they share this, and it is never written to
const nothingMeasured: Latency.Latency = Object.freeze(Latency.make())

/**
 * The fitness of one endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export class Fitness {
  readonly #weight: number
  readonly #rules: Rules
  #inFlight = 0
  #latency = nothingMeasured
  // of streamed answers alone
  #firstToken: Latency.Latency | undefined
  #warmingSince: number
  #peers: Peers.Peers | undefined
  // most endpoints never need one
  #peer: Peers.Peer | undefined

  constructor(weight: number, rules: Rules, now: number) {
    this.#weight = weight
    this.#rules = rules
    // whole milliseconds do, and take less room than fractions
    this.#warmingSince = Math.floor(now)
  }

  /** A call is on its way. */
  began(): void {
    this.#inFlight++
  }

  /** It is no more, whatever came of it. */
  ended(): void {
    this.#inFlight--
  }

  /** Calls under way. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Milliseconds that one more answer is expected to take; what is usual in its tier where nothing was measured. */
  latency(now: number): number {
    const expected = Latency.expected(this.#latency, now, this.#rules.latency)
    return expected || Math.min(this.#peers?.typicalLatency || unmeasured, unmeasured)
  }

  /** Milliseconds that answers take when it is asked; `undefined` where nothing was measured for five minutes. */
  steady(now: number): number | undefined {
    const { at, average } = this.#latency
    return average === 0 || now - at > forgottenAfter
      ? undefined
      : Latency.steady(this.#latency, now, this.#rules.latency)
  }

  /** Calls under way and one more, by weight, as if there were more of them while it warms up. */
  crowd(now: number): number {
    // the very first call is not put off: it is the one that teaches
    const isFirst = this.#inFlight === 0 && this.#latency === nothingMeasured
    return (this.#inFlight + 1) / (isFirst ? this.#weight : this.#weight * this.warmth(now))
  }

  /** Expected milliseconds to the end of one more call; what is compared by default. */
  load(now: number): number {
    return this.latency(now) * this.crowd(now)
  }

  /** The share of calls it is ready for, from 0.1 when it is new, or came back, to 1. */
  warmth(now: number): number {
    return SlowStart.share(Math.min(this.#warmingSince, now), now, this.#rules.slowStart)
  }

  /** Moving average in milliseconds, 0 when nothing was measured lately. */
  lately(now: number): number {
    return Latency.current(this.#latency, now, this.#rules.latency)
  }

  /** Moving average of how long first tokens take, in milliseconds, 0 when nothing was streamed lately. */
  firstToken(now: number): number {
    return this.#firstToken === undefined ? 0 : Latency.current(this.#firstToken, now, this.#rules.latency)
  }

  /** Median of its own past in milliseconds, once enough answers came. */
  get usual(): number | undefined {
    return Latency.usual(this.#latency, this.#rules.latency)
  }

  /** Whether an answer that took so long is slow against its own past. */
  isSlow(elapsed: number): boolean {
    return Latency.isSlow(this.#latency, elapsed, this.#rules.latency)
  }

  /** Whether it is held to be far worse than its peers. */
  isOutlier(now: number): boolean {
    // an endpoint can be known before its tier is counted: its circuit may be held before the first call
    return this.#peer !== undefined && this.#peers?.isOutlier(this.#peer, now) === true
  }

  /** Takes in an answer to a call sent at `startedAt`. */
  answered(model: string, elapsed: number, startedAt: number, now: number): void {
    Latency.observe(this.#measured(), elapsed, now, this.#rules.latency)
    const isWorse = this.#peers?.answered(this.#peer ??= Peers.peer(), model, elapsed, startedAt, now)
    // it warms up once more when it comes back
    if (isWorse === true) this.#warmingSince = this.#peer!.until
  }

  /** Takes in how long the first token of an answer took. */
  spoke(elapsed: number, now: number): void {
    Latency.observe(this.#firstToken ??= Latency.make(), elapsed, now, this.#rules.latency)
  }

  /** Takes in a failure that the endpoint is to blame for. */
  failed(elapsed: number, startedAt: number, now: number): void {
    Latency.penalize(this.#measured(), Math.max(elapsed, failurePenalty), now, this.#rules.latency)
    const isWorse = this.#peers?.failed(this.#peer ??= Peers.peer(), startedAt, now)
    if (isWorse === true) this.#warmingSince = this.#peer!.until
  }

  /** Takes in that no answer came in so long, when nobody waited any longer. */
  outlasted(elapsed: number, now: number): void {
    Latency.penalize(this.#measured(), elapsed, now, this.#rules.latency)
  }

  /** Its circuit has opened, or closed again. */
  circuitMoved(isClosed: boolean, now: number): void {
    if (isClosed) this.#warmingSince = Math.floor(now)
    const peer = this.#peer ??= Peers.peer()
    if (this.#peers === undefined) peer.isDown = !isClosed
    else this.#peers.setDown(peer, !isClosed)
  }

  /** Its tier was counted anew; what is known of it so far goes along. */
  join(peers: Peers.Peers): void {
    this.#peers = peers
  }

  /** What is known of it beside its peers; `undefined` while nothing is. */
  get peer(): Peers.Peer | undefined {
    return this.#peer
  }

  #measured(): Latency.Latency {
    if (this.#latency === nothingMeasured) this.#latency = Latency.make()
    return this.#latency
  }
}
