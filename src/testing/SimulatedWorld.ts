/**
 * What simulated endpoints do when they are asked, in one step and in plain numbers.
 *
 * Whoever asks learns at once what will come and when; to wait for it is up to them. Clients of your own can so be put
 * into the same world as a relay.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Configuration from "../policy/Configuration.ts"
import type { Inhabitant } from "./Behaviour.ts"
import * as Luck from "./Luck.ts"
import * as Population from "./Population.ts"
import * as Seed from "./Seed.ts"
import * as SimulatedAccount from "./SimulatedAccount.ts"
import type * as Temper from "./Temper.ts"

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

// which of the numbers a request has drawn; what is normally distributed takes two of them
const purposes = { incident: 0, failure: 1, straggler: 2, latency: 8 }
// each incident has its own: the next one is so many further
const betweenIncidents = 32

// so many attempts of a request at one endpoint have numbers side by side
const attemptsSideBySide = 64

const Chance = Schema.Struct({ seed: Seed.field })

const settle = <A>(result: Result.Result<A, Configuration.InvalidConfiguration>): A =>
  Result.getOrThrowWith(result, (invalid) => invalid)

/**
 * Simulated endpoints and how they are now. Times are milliseconds since the beginning, and never go back.
 *
 * To make one throws `InvalidConfiguration` on what cannot live in it: no endpoints, two of one id, a behaviour that cannot
 * be, accounts of one id that are described differently.
 *
 * @category models
 * @since 0.1.0
 */
export class SimulatedWorld {
  readonly seed: number
  readonly #stages: ReadonlyArray<Stage>
  readonly #indices: ReadonlyMap<string, number>

  constructor(seed: number, endpoints: ReadonlyArray<Inhabitant>) {
    this.seed = settle(Configuration.decodeResult("SimulatedWorld", Chance, { seed }, {})).seed
    const tempers = settle(Population.decode(endpoints))
    const accounts = new Map(endpoints.map(({ account }) => [account.id, new SimulatedAccount.Standing(account)]))
    this.#stages = tempers.map((temper) => stageOf(temper, accounts.get(temper.account.id)!))
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
    const place = this.#placeOf(endpoint, attempt)
    const { incidents } = stage
    let factor = 1
    let kind: Kind = "Answer"
    let failsIn: number | undefined
    for (let index = 0; index < incidents.length; index++) {
      const incident = incidents[index]!
      if (now < incident.from || now >= incident.until) continue
      factor *= incident.latencyFactor
      if (kind !== "Answer") continue
      kind = fateIn(
        incident,
        Luck.draw(this.seed, request, place, purposes.incident + index * betweenIncidents)
      )
      failsIn = incident.failsIn
    }
    if (kind === "Silence") return { kind, after: Infinity, retryAfter: undefined }
    if (kind !== "Answer" && failsIn !== undefined) return { kind, after: failsIn, retryAfter: undefined }
    if (
      kind === "Answer" && stage.failures > 0 &&
      Luck.draw(this.seed, request, place, purposes.failure) < stage.failures
    ) kind = "Error"
    return { kind, after: this.#latency(stage, request, place) * factor, retryAfter: undefined }
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

  /** A number for each attempt at each endpoint, and none for two of them. */
  #placeOf(endpoint: number, attempt: number): number {
    return attempt < attemptsSideBySide
      ? endpoint * attemptsSideBySide + attempt
      : -1 - endpoint - (attempt - attemptsSideBySide) * this.#stages.length
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
  { behaviour: { failures, incidents, latency, workers }, id, price, tokens }: Temper.Temper,
  account: SimulatedAccount.Standing
): Stage => ({
  account,
  tally: { id, sent: 0, answered: 0, refused: 0, failed: 0, cost: 0 },
  median: latency.median,
  sigma: latency.sigma,
  stragglers: latency.stragglers?.share ?? 0,
  straggling: latency.stragglers?.factor ?? 1,
  failures,
  incidents: incidents.map((incident) => ({
    from: incident.from,
    until: incident.from + incident.lasts,
    latencyFactor: incident.latencyFactor ?? 1,
    silence: incident.silence ?? 0,
    failures: incident.failures ?? 0,
    hiddenErrors: incident.hiddenErrors ?? 0,
    unreachable: incident.unreachable ?? 0,
    failsIn: incident.failsIn
  })),
  workers: new Float64Array(workers ?? 0),
  tokens,
  price
})
