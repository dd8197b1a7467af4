/**
 * The account that simulated endpoints belong to: how much it lets through, and how it says no.
 *
 * A bucket of requests and one of tokens, filled steadily, as most providers have them.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as AccountOptions from "./AccountOptions.ts"

export {
  /**
   * The options that hold where none is given.
   *
   * @category constants
   * @since 0.1.0
   */
  defaults,
  /**
   * The options of an account; see `defaults`.
   *
   * @category models
   * @since 0.1.0
   */
  type Options,
  /**
   * A time during which the limits are only this share of what they are otherwise.
   *
   * @category models
   * @since 0.1.0
   */
  type Shrinkage,
  /**
   * A time in the simulation, counted from its beginning.
   *
   * @category models
   * @since 0.1.0
   */
  type Span
} from "./AccountOptions.ts"

/**
 * An account, as it is described.
 *
 * @category models
 * @since 0.1.0
 */
export interface SimulatedAccount extends AccountOptions.Options {
  readonly id: string
}

/**
 * An account that endpoints can share: in one world, who has the same id is the same account. Throws `InvalidConfiguration`
 * on options that cannot work.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (id: string, options?: AccountOptions.Options): SimulatedAccount => {
  settle(id, options)
  return { ...options, id }
}

// an account is a value, not an effect: what it cannot be made from is thrown
const settle = (id: string, options: AccountOptions.Options | undefined): AccountOptions.Settings =>
  Result.getOrThrowWith(AccountOptions.decode(id, options), (invalid) => invalid)

/** How large a share of the limits holds from a time on. */
interface Regime {
  readonly from: number
  readonly share: number
}

const bounds = ({ from, lasts }: AccountOptions.Settings["emptyDuring"][number]) => [from, from + lasts] as const

const regimesOf = (shrinkages: AccountOptions.Settings["shrinkages"]): ReadonlyArray<Regime> => {
  const spans = shrinkages.map((shrinkage) => [...bounds(shrinkage), shrinkage.to] as const)
  const edges = Array.from(new Set([0, ...spans.flatMap(([from, until]) => [from, until])])).sort((a, b) => a - b)
  return edges.map((edge) => ({
    from: edge,
    share: spans.reduce((share, [from, until, to]) => from <= edge && edge < until ? share * to : share, 1)
  }))
}

/** A bucket that fills steadily. */
interface Bucket {
  readonly perMilli: number
  readonly capacity: number
  level: number
}

const bucket = (perMinute: number, capacity: number): Bucket => ({
  perMilli: perMinute / 60_000,
  capacity,
  level: capacity
})

const pour = (self: Bucket, share: number, time: number): void => {
  if (self.capacity === Infinity) return
  self.level = Math.min(self.capacity * share, self.level + self.perMilli * share * time)
}

// how long until there is so much in it
const wait = (self: Bucket, share: number, amount: number): number =>
  self.level >= amount ? 0 : (amount - self.level) / (self.perMilli * share)

/**
 * What an account knows: what is left of its limits. Times are milliseconds since the beginning, and never go back.
 *
 * @category models
 * @since 0.1.0
 */
export class Standing {
  readonly retryAfter: boolean
  readonly refusesIn: number
  readonly #refusalsCount: boolean
  readonly #requests: Bucket
  readonly #tokens: Bucket
  readonly #regimes: ReadonlyArray<Regime>
  readonly #empty: ReadonlyArray<readonly [from: number, until: number]>
  #regime = 0
  #at = 0

  constructor({ id, ...options }: SimulatedAccount) {
    const account = settle(id, options)
    this.retryAfter = account.retryAfter
    this.refusesIn = account.refusesIn
    this.#refusalsCount = account.refusalsCount
    this.#requests = bucket(account.requestsPerMinute, account.burst)
    this.#tokens = bucket(account.tokensPerMinute, account.tokensPerMinute)
    this.#regimes = regimesOf(account.shrinkages)
    this.#empty = account.emptyDuring.map(bounds)
  }

  /** Whether the quota is used up. */
  isEmpty(now: number): boolean {
    return this.#empty.some(([from, until]) => from <= now && now < until)
  }

  /** Milliseconds until a request with so many tokens would be let through, if nobody else comes; 0 for now. */
  wait(now: number, tokens: number): number {
    const share = this.#flow(now)
    return Math.max(wait(this.#requests, share, 1), wait(this.#tokens, share, tokens))
  }

  /** Counts a request; whether it is let through. */
  take(now: number, tokens: number): boolean {
    const isLet = this.wait(now, tokens) === 0
    if (isLet || this.#refusalsCount) {
      this.#requests.level = Math.max(0, this.#requests.level - 1)
      if (isLet) this.#tokens.level -= tokens
    }
    return isLet
  }

  /** Lets the buckets fill until now, and says which share of the limits holds. */
  #flow(now: number): number {
    let next = this.#regimes[this.#regime + 1]
    while (next !== undefined && next.from <= now) {
      this.#fill(next.from)
      this.#regime++
      next = this.#regimes[this.#regime + 1]
    }
    this.#fill(now)
    return this.#regimes[this.#regime]!.share
  }

  #fill(until: number): void {
    const { share } = this.#regimes[this.#regime]!
    pour(this.#requests, share, until - this.#at)
    pour(this.#tokens, share, until - this.#at)
    this.#at = until
  }
}
