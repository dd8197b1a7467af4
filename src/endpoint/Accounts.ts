/**
 * The accounts and keys of a set of endpoints, each kept for as long as an endpoint uses it.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import type * as RateLimiter from "../policy/RateLimiter.ts"
import * as Account from "./Account.ts"
import type * as Endpoint from "./Endpoint.ts"
import * as Key from "./Key.ts"

/**
 * What an endpoint shares with others.
 *
 * @category models
 * @since 0.1.0
 */
export interface Membership {
  readonly account: Account.Account
  /** `undefined` for an endpoint that sends none. */
  readonly key: Key.Key | undefined
}

interface Shared {
  users: number
}

const join = <A extends Shared>(all: Map<string, A>, name: string, make: () => A): A => {
  const shared = all.get(name) ?? make()
  shared.users++
  all.set(name, shared)
  return shared
}

const leave = <A extends Shared>(all: Map<string, A>, name: string): void => {
  if (--all.get(name)!.users === 0) all.delete(name)
}

// a key holds no line break, so no two of these are the same by chance
const nameOf = (key: Redacted.Redacted, account: string): string => `${Redacted.value(key)}\n${account}`

/**
 * The book of accounts.
 *
 * @category models
 * @since 0.1.0
 */
export class Accounts {
  readonly #limiters: ReadonlyMap<string, RateLimiter.RateLimiter>
  readonly #accounts = new Map<string, Account.Account>()
  // by what they say: nobody outside sees this map
  readonly #keys = new Map<string, Key.Key>()

  /** Of accounts that have limits of their own, these are the limiters. */
  constructor(limiters: ReadonlyMap<string, RateLimiter.RateLimiter>) {
    this.#limiters = limiters
  }

  /** The account and the key of an endpoint that is there from now on, behind this limiter. */
  join({ account, apiKey }: Endpoint.Endpoint, limiter: RateLimiter.RateLimiter): Membership {
    const joined = join(this.#accounts, account, () => Account.make(account, this.#limiters.get(account)))
    // most accounts have one endpoint, and a list that grows takes room for sixteen
    if (joined.limiters.length === 0) joined.limiters = [limiter]
    else joined.limiters.push(limiter)
    return {
      account: joined,
      key: apiKey === undefined ? undefined : join(this.#keys, nameOf(apiKey, account), Key.make)
    }
  }

  /** An endpoint that joined is gone. */
  leave({ account, apiKey }: Endpoint.Endpoint, limiter: RateLimiter.RateLimiter): void {
    const { limiters } = this.#accounts.get(account)!
    limiters.splice(limiters.indexOf(limiter), 1)
    leave(this.#accounts, account)
    if (apiKey !== undefined) leave(this.#keys, nameOf(apiKey, account))
  }

  /** The accounts there are. */
  ids(): Iterable<string> {
    return this.#accounts.keys()
  }
}
