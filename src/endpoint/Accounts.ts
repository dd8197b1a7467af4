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

interface Entry extends Shared<Account.Account> {
  /** By what the key says; nobody outside sees this map. */
  readonly keys: Map<string, Shared<Key.Key>>
}

/**
 * The book of accounts.
 *
 * @category models
 * @since 0.1.0
 */
export class Accounts {
  readonly #entries = new Map<string, Entry>()

  /** The account and the key of an endpoint that is there from now on. One without a key shares none. */
  join({ account, apiKey }: Endpoint.Endpoint): Membership {
    let entry = this.#entries.get(account)
    if (entry === undefined) {
      entry = { value: Account.make(account), users: 0, keys: new Map() }
      this.#entries.set(account, entry)
    }
    entry.users++
    if (apiKey === undefined) return { account: entry.value, key: Key.make() }
    const secret = Redacted.value(apiKey)
    const key = entry.keys.get(secret) ?? { value: Key.make(), users: 0 }
    key.users++
    entry.keys.set(secret, key)
    return { account: entry.value, key: key.value }
  }

  /** An endpoint that joined is gone. */
  leave({ account, apiKey }: Endpoint.Endpoint): void {
    const entry = this.#entries.get(account)!
    if (--entry.users === 0) this.#entries.delete(account)
    if (apiKey === undefined) return
    const secret = Redacted.value(apiKey)
    const key = entry.keys.get(secret)!
    if (--key.users === 0) entry.keys.delete(secret)
  }

  /** The accounts there are. */
  ids(): Iterable<string> {
    return this.#entries.keys()
  }
}
