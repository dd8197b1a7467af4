/**
 * The accounts and keys of a set of endpoints, each kept for as long as an endpoint uses it.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
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
  readonly key: Key.Key
}

interface Shared<A> {
  readonly value: A
  users: number
}

const shared = <A>(entries: Map<string, Shared<A>>, name: string, make: () => A): A => {
  const known = entries.get(name) ?? { value: make(), users: 0 }
  known.users++
  entries.set(name, known)
  return known.value
}

const unshared = <A>(entries: Map<string, Shared<A>>, name: string): void => {
  const known = entries.get(name)!
  if (--known.users === 0) entries.delete(name)
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
  readonly #accounts = new Map<string, Shared<Account.Account>>()
  // by what they say: nobody outside sees this map
  readonly #keys = new Map<string, Shared<Key.Key>>()

  /** The account and the key of an endpoint that is there from now on. One without a key shares none. */
  join({ account, apiKey }: Endpoint.Endpoint): Membership {
    return {
      account: shared(this.#accounts, account, () => Account.make(account)),
      key: apiKey === undefined ? Key.make() : shared(this.#keys, nameOf(apiKey, account), Key.make)
    }
  }

  /** An endpoint that joined is gone. */
  leave({ account, apiKey }: Endpoint.Endpoint): void {
    unshared(this.#accounts, account)
    if (apiKey !== undefined) unshared(this.#keys, nameOf(apiKey, account))
  }

  /** The accounts there are. */
  ids(): Iterable<string> {
    return this.#accounts.keys()
  }
}
