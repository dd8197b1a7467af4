/**
 * What simulated endpoints do when they are asked, in one step and in plain numbers.
 *
 * Whoever asks learns at once what will come and when; to wait for it is up to them. Clients of your own can so be put
 * into the same world as a relay.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type { Inhabitant } from "./Behaviour.ts"
import * as Luck from "./Luck.ts"
import * as SimulatedAccount from "./SimulatedAccount.ts"

/**
 * What came of a request.
 *
 * @category models
 * @since 0.1.0
 */
export type Kind =
  /** A proper answer. */
  | "Answer"
  /** HTTP 500. */
  | "Error"
  /** HTTP 200 with an error in its body. */
  | "HiddenError"
  /** HTTP 429 for the limits. */
  | "Limited"
  /** HTTP 429 for the quota. */
  | "Empty"
  /** No connection. */
  | "Unreachable"
  /** Nothing, ever. */
  | "Silence"

/**
 * What came of a request, and when.
 *
 * @category models
 * @since 0.1.0
 */
export interface Verdict {
  readonly kind: Kind
  /** Milliseconds until it is there. */
  readonly after: number
  /** Seconds that a refusal asks to wait. */
  readonly retryAfter: number | undefined
}

/**
 * What an endpoint has seen so far.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tally {
  readonly id: string
  /** Requests that came. */
  sent: number
  /** Requests it answered properly. */
  answered: number
  /** Requests it refused for limits or quota. */
  refused: number
  /** Requests that got anything else, or nothing. */
  failed: number
  /** What its answers cost by its prices, in dollars, whether or not anybody waited for them. */
  cost: number
}

interface Incident {
  readonly from: number
  readonly until: number
  readonly latencyFactor: number
  readonly silence: number
  readonly failures: number
  readonly hiddenErrors: number
  readonly unreachable: number
  readonly failsIn: number | undefined
}

interface Stage {
  readonly account: SimulatedAccount.Standing
  readonly tally: Tally
  readonly median: number
  readonly sigma: number
  readonly stragglers: number
  readonly straggling: number
  readonly failures: number
  readonly incidents: ReadonlyArray<Incident>
  /** When each worker is free again; empty for as many as it takes. */
  readonly workers: Float64Array
  readonly tokens: number
  readonly price: number
}

const millis = (input: Duration.Input): number => Duration.toMillis(Duration.fromInputUnsafe(input))

// which of the numbers a request has drawn
const purposes = { incident: 0, failure: 1, straggler: 2, latency: 8 }

/**
 * Simulated endpoints and how they are now. Times are milliseconds since the beginning, and never go back.
 *
 * @category models
 * @since 0.1.0
 */
export class SimulatedWorld {
  readonly seed: number
  readonly #stages: ReadonlyArray<Stage>
  readonly #indices: ReadonlyMap<string, number>

  constructor(seed: number, endpoints: ReadonlyArray<Inhabitant>) {
    this.seed = seed
    const accounts = new Map<SimulatedAccount.SimulatedAccount, SimulatedAccount.Standing>()
    const standingOf = (account: SimulatedAccount.SimulatedAccount): SimulatedAccount.Standing => {
      const standing = accounts.get(account) ?? new SimulatedAccount.Standing(account)
      accounts.set(account, standing)
      return standing
    }
    this.#stages = endpoints.map((endpoint) => stageOf(endpoint, standingOf(endpoint.account)))
    this.#indices = new Map(endpoints.map(({ id }, index) => [id, index]))
  }

  /** Asks an endpoint; which one, by its place in the list. */
  ask(endpoint: number, luck: Luck.Luck, now: number): Verdict {
    const stage = this.#stages[endpoint]!
    const attempt = luck.sent++
    const { account, tally } = stage
    tally.sent++
    if (account.isEmpty(now)) {
      tally.refused++
      return { kind: "Empty", after: account.refusesIn, retryAfter: undefined }
    }
    if (!account.take(now, stage.tokens)) {
      tally.refused++
      return { kind: "Limited", after: account.refusesIn, retryAfter: this.#hint(stage, now) }
    }
    const verdict = this.foresee(endpoint, luck.request, attempt, now)
    const after = verdict.kind === "Answer" ? occupy(stage.workers, now, verdict.after) : verdict.after
    if (verdict.kind === "Answer") {
      tally.answered++
      tally.cost += stage.price
    } else tally.failed++
    return after === verdict.after ? verdict : { ...verdict, after }
  }

  /** What a request would meet that is let through; nothing is counted. */
  foresee(endpoint: number, request: number, attempt: number, now: number): Verdict {
    const stage = this.#stages[endpoint]!
    const place = endpoint * 64 + attempt
    let factor = 1
    for (const incident of stage.incidents) {
      if (now < incident.from || now >= incident.until) continue
      factor *= incident.latencyFactor
      const fate = Luck.draw(this.seed, request, place, purposes.incident)
      const kind = fateIn(incident, fate)
      if (kind === "Silence") return { kind, after: Infinity, retryAfter: undefined }
      if (kind !== "Answer") {
        return { kind, after: incident.failsIn ?? this.#latency(stage, request, place) * factor, retryAfter: undefined }
      }
    }
    const after = this.#latency(stage, request, place) * factor
    const failed = stage.failures > 0 && Luck.draw(this.seed, request, place, purposes.failure) < stage.failures
    return { kind: failed ? "Error" : "Answer", after, retryAfter: undefined }
  }

  /** Milliseconds until the account of an endpoint lets a request through; `Infinity` while its quota is used up. */
  wait(endpoint: number, now: number): number {
    const { account, tokens } = this.#stages[endpoint]!
    return account.isEmpty(now) ? Infinity : account.wait(now, tokens)
  }

  /** The place of an endpoint in the list. */
  indexOf(id: string): number | undefined {
    return this.#indices.get(id)
  }

  /** What each endpoint has seen so far. */
  tallies(): ReadonlyArray<Tally> {
    return this.#stages.map(({ tally }) => ({ ...tally }))
  }

  #latency(stage: Stage, request: number, place: number): number {
    const usual = stage.median * Math.exp(stage.sigma * Luck.drawNormal(this.seed, request, place, purposes.latency))
    return stage.stragglers > 0 && Luck.draw(this.seed, request, place, purposes.straggler) < stage.stragglers
      ? usual * stage.straggling
      : usual
  }

  #hint({ account, tokens }: Stage, now: number): number | undefined {
    return account.retryAfter ? Math.max(1, Math.ceil(account.wait(now, tokens) / 1000)) : undefined
  }
}

const fateIn = ({ failures, hiddenErrors, silence, unreachable }: Incident, fate: number): Kind => {
  if (fate < silence) return "Silence"
  if (fate < silence + failures) return "Error"
  if (fate < silence + failures + hiddenErrors) return "HiddenError"
  if (fate < silence + failures + hiddenErrors + unreachable) return "Unreachable"
  return "Answer"
}

/** Gives work to whoever is free first; how long it is until it is done. Nobody stops because nobody waits any more. */
const occupy = (workers: Float64Array, now: number, work: number): number => {
  if (workers.length === 0) return work
  let first = 0
  for (let index = 1; index < workers.length; index++) if (workers[index]! < workers[first]!) first = index
  const done = Math.max(now, workers[first]!) + work
  workers[first] = done
  return done - now
}

const stageOf = (
  { behaviour, id, prices }: Inhabitant,
  account: SimulatedAccount.Standing
): Stage => {
  const { failures = 0, incidents = [], inputTokens, latency, outputTokens, workers } = behaviour
  return {
    account,
    tally: { id, sent: 0, answered: 0, refused: 0, failed: 0, cost: 0 },
    median: millis(latency.median),
    sigma: latency.sigma,
    stragglers: latency.stragglers?.share ?? 0,
    straggling: latency.stragglers?.factor ?? 1,
    failures,
    incidents: incidents.map((incident) => ({
      from: millis(incident.from),
      until: millis(incident.from) + millis(incident.lasts),
      latencyFactor: incident.latencyFactor ?? 1,
      silence: incident.silence ?? 0,
      failures: incident.failures ?? 0,
      hiddenErrors: incident.hiddenErrors ?? 0,
      unreachable: incident.unreachable ?? 0,
      failsIn: incident.failsIn === undefined ? undefined : millis(incident.failsIn)
    })),
    workers: new Float64Array(workers ?? 0),
    tokens: inputTokens + outputTokens,
    price: prices === undefined
      ? 0
      : (inputTokens * prices.inputPerMillion + outputTokens * prices.outputPerMillion) / 1_000_000
  }
}
