/**
 * One policy a key, made on first use, bounded.
 *
 * At the bound the key that was used longest ago and holds nothing makes room.
 * When every old key holds something (a verdict, calls in flight), new keys
 * share one policy: the bound may make a stranger wait, never let one through.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Configuration from "./Configuration.ts"
import * as InvalidArgument from "./InvalidArgument.ts"

// how many of the oldest keys are looked at before a new one has to share
const reach = 256

// the key of the policy that new keys share when there is no room
const sharedKey = "(shared)"

/**
 * The policies by key.
 *
 * @category models
 * @since 0.1.0
 */
export interface Keyed<A> {
  readonly at: (key: string) => A
  /** The policy of a key, if it has one; looking does not count as use. */
  readonly find: (key: string) => A | undefined
  /** Lists a policy under a key, if there is room. */
  readonly set: (key: string, policy: A) => void
  readonly delete: (key: string, policy: A) => void
  readonly keys: () => ReadonlyArray<string>
}

/**
 * A registry that makes policies with `create` and drops those for which `isIdle` holds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A>(options: {
  readonly create: (key: string) => A
  readonly isIdle: (policy: A) => boolean
  readonly maxKeys: number
  /** A key that is never dropped: whoever made the registry holds its policy. */
  readonly own?: string
}): Keyed<A> => {
  const policies = new Map<string, A>()
  let shared: A | undefined
  const makeRoom = (): boolean => {
    if (policies.size < options.maxKeys) return true
    const held: Array<readonly [string, A]> = []
    let idle: string | undefined
    for (const entry of policies) {
      if (entry[0] !== options.own && options.isIdle(entry[1])) idle = entry[0]
      else held.push(entry)
      if (idle !== undefined || held.length === reach) break
    }
    // whoever holds something goes to the back, so that next time the others are looked at
    for (const [key, policy] of held) {
      policies.delete(key)
      policies.set(key, policy)
    }
    return idle !== undefined && policies.delete(idle)
  }
  return {
    at: (key) => {
      if (key === sharedKey) return shared ??= options.create(sharedKey)
      const known = policies.get(key)
      if (known !== undefined) {
        policies.delete(key)
        policies.set(key, known)
        return known
      }
      if (!makeRoom()) return shared ??= options.create(sharedKey)
      const policy = options.create(key)
      policies.set(key, policy)
      return policy
    },
    find: (key) => key === sharedKey ? shared : policies.get(key),
    set: (key, policy) => {
      policies.delete(key)
      if (makeRoom()) policies.set(key, policy)
    },
    delete: (key, policy) => {
      if (policies.get(key) === policy) policies.delete(key)
    },
    keys: () => Array.from(policies.keys())
  }
}

/**
 * What every policy in a family can do.
 *
 * @category models
 * @since 0.1.0
 */
export interface Member<Snapshot> {
  readonly state: Effect.Effect<Snapshot>
  readonly reset: Effect.Effect<void>
}

const mostShared = 64

// options of nothing but plain values, as text; what is no object is left to be refused
const textOf = (options: object): string | undefined => {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return given.every(([, value]) => typeof value === "string" || typeof value === "boolean" || Number.isFinite(value))
    ? JSON.stringify(given.toSorted(([a], [b]) => a < b ? -1 : 1))
    : undefined
}

/**
 * The way from one policy to its siblings under other keys.
 *
 * @category models
 * @since 0.1.0
 */
export interface Family<A, Options, Snapshot> {
  /** The policy of another key, with the options set for it, or those here. */
  readonly at: (key: string) => A
  /**
   * The policy of another key, made anew with options of its own over the ones
   * here. They are remembered for at most `maxKeys` keys. A key that holds
   * something, calls or a verdict, refuses, and so does the family's own.
   */
  readonly configure: (key: string, options: Options) => Effect.Effect<A, Configuration.InvalidConfiguration>
  readonly keys: Effect.Effect<ReadonlyArray<string>>
  /** What every key in use shows of itself. */
  readonly states: Effect.Effect<ReadonlyArray<Snapshot>>
  /** What one key shows of itself; a key that is not in use is refused, not made. */
  readonly stateOf: (key: string) => Effect.Effect<Snapshot, InvalidArgument.InvalidArgument>
  /** Resets the policy of one key; a key that is not in use is refused. */
  readonly resetKey: (key: string) => Effect.Effect<void, InvalidArgument.InvalidArgument>
  /** As `configure`, but nobody else gets it before `adoptUnsafe`. */
  readonly derive: (key: string, options: Options) => Effect.Effect<A, Configuration.InvalidConfiguration>
  readonly adoptUnsafe: (key: string, policy: A) => void
  readonly forgetUnsafe: (key: string, policy: A) => void
}

/**
 * The key of the policy that stands for all.
 *
 * @category constants
 * @since 0.1.0
 */
export const ownKey = "default"

/**
 * A policy for its own key, `default`, and the way to one for every other.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeFamily = <
  A extends Member<Snapshot>,
  Options extends object,
  Settings extends { readonly maxKeys: number },
  Snapshot = A extends Member<infer S> ? S : never
>(spec: {
  /** The name of the policy, for messages. */
  readonly subject: string
  readonly options: Options | undefined
  readonly decode: (options: Options | undefined) => Effect.Effect<Settings, Configuration.InvalidConfiguration>
  readonly build: (key: string, settings: Settings, family: Family<A, Options, Snapshot>) => A
  readonly isIdle: (policy: A) => boolean
}): Effect.Effect<A, Configuration.InvalidConfiguration> =>
  Effect.map(spec.decode(spec.options), (settings) => {
    const own = new Map<string, Settings>()
    const remember = (key: string, settingsOfKey: Settings): void => {
      own.delete(key)
      if (own.size >= settings.maxKeys) own.delete(own.keys().next().value!)
      own.set(key, settingsOfKey)
    }
    const keyed: Keyed<A> = make({
      create: (key) => spec.build(key, own.get(key) ?? settings, family),
      isIdle: spec.isIdle,
      maxKeys: settings.maxKeys,
      own: ownKey
    })
    // keys with the same options share what was made of them
    const shared = new Map<string, Settings>([["[]", settings]])
    const decode = (options: Options) => {
      if (Object(options) !== options) return spec.decode(options)
      const text = textOf(options)
      const known = text === undefined ? undefined : shared.get(text)
      if (known !== undefined) return Effect.succeed(known)
      return Effect.map(spec.decode({ ...spec.options, ...options }), (decoded) => {
        if (text !== undefined && shared.size < mostShared) shared.set(text, decoded)
        return decoded
      })
    }
    const known = (method: string, key: string): Effect.Effect<A, InvalidArgument.InvalidArgument> => {
      const policy = keyed.find(key)
      return policy === undefined
        ? Effect.fail(
          InvalidArgument.make(`${spec.subject}.${method}`, "key", key, "it has to be a key in use; `keys` lists them")
        )
        : Effect.succeed(policy)
    }
    const family: Family<A, Options, Snapshot> = {
      at: keyed.at,
      configure: (key, options) =>
        Effect.flatMap(decode(options), (settings) => {
          const known = keyed.find(key)
          // what is held under a key, calls or a verdict, would be nobody's
          if (key === ownKey || (known !== undefined && !spec.isIdle(known))) {
            return Effect.fail(
              new Configuration.InvalidConfiguration({
                subject: spec.subject,
                field: "key",
                value: JSON.stringify(key),
                rule: key === ownKey
                  ? "its options are those that the policy was made with"
                  : "it holds calls or a verdict: configure it before it is used, or reset it first"
              })
            )
          }
          const policy = spec.build(key, settings, family)
          remember(key, settings)
          keyed.set(key, policy)
          return Effect.succeed(policy)
        }),
      keys: Effect.sync(keyed.keys),
      // all are found at once: a key may go while others are asked
      states: Effect.suspend(() => Effect.forEach(keyed.keys().map((key) => keyed.find(key)!), ({ state }) => state)),
      stateOf: (key) => Effect.flatMap(Effect.suspend(() => known("stateOf", key)), (policy) => policy.state),
      resetKey: (key) => Effect.flatMap(Effect.suspend(() => known("resetKey", key)), (policy) => policy.reset),
      derive: (key, options) => Effect.map(decode(options), (settings) => spec.build(key, settings, family)),
      adoptUnsafe: keyed.set,
      forgetUnsafe: keyed.delete
    }
    return keyed.at(ownKey)
  })

/**
 * What a policy shares with its siblings, for handles to extend: one reference a
 * key instead of a copy of every function.
 *
 * @category models
 * @since 0.1.0
 */
export abstract class Sibling<A, Options, Snapshot> implements Family<A, Options, Snapshot> {
  readonly #family: Family<A, Options, Snapshot>

  constructor(family: Family<A, Options, Snapshot>) {
    this.#family = family
  }

  get at() {
    return this.#family.at
  }

  get configure() {
    return this.#family.configure
  }

  get keys() {
    return this.#family.keys
  }

  get states() {
    return this.#family.states
  }

  get stateOf() {
    return this.#family.stateOf
  }

  get resetKey() {
    return this.#family.resetKey
  }

  get derive() {
    return this.#family.derive
  }

  get adoptUnsafe() {
    return this.#family.adoptUnsafe
  }

  get forgetUnsafe() {
    return this.#family.forgetUnsafe
  }
}
