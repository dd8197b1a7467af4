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
import type * as Configuration from "./Configuration.ts"

// how many of the oldest keys are looked at before new ones have to share
const reach = 16

/**
 * The policies by key.
 *
 * @category models
 * @since 0.1.0
 */
export interface Keyed<A> {
  readonly at: (key: string) => A
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
}): Keyed<A> => {
  const policies = new Map<string, A>()
  let shared: A | undefined
  const makeRoom = (): boolean => {
    if (policies.size < options.maxKeys) return true
    let looked = 0
    for (const [key, policy] of policies) {
      if (options.isIdle(policy)) return policies.delete(key)
      if (++looked === reach) return false
    }
    return false
  }
  return {
    at: (key) => {
      const known = policies.get(key)
      if (known !== undefined) {
        policies.delete(key)
        policies.set(key, known)
        return known
      }
      if (!makeRoom()) return shared ??= options.create("(shared)")
      const policy = options.create(key)
      policies.set(key, policy)
      return policy
    },
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
 * The way from one policy to its siblings under other keys.
 *
 * @category models
 * @since 0.1.0
 */
export interface Family<A, Options> {
  /** The policy of another key, with the options set for it, or those here. */
  readonly at: (key: string) => A
  /**
   * The policy of another key, made anew with options of its own over the ones
   * here. They are remembered for at most `maxKeys` keys.
   */
  readonly configure: (key: string, options: Options) => Effect.Effect<A, Configuration.InvalidConfiguration>
  readonly keys: Effect.Effect<ReadonlyArray<string>>
  /** As `configure`, but nobody else gets it before `adoptUnsafe`. */
  readonly derive: (key: string, options: Options) => Effect.Effect<A, Configuration.InvalidConfiguration>
  readonly adoptUnsafe: (key: string, policy: A) => void
  readonly forgetUnsafe: (key: string, policy: A) => void
}

/**
 * A policy for its own key, `default`, and the way to one for every other.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeFamily = <A, Options extends object, Settings extends { readonly maxKeys: number }>(spec: {
  readonly options: Options | undefined
  readonly decode: (options: Options | undefined) => Effect.Effect<Settings, Configuration.InvalidConfiguration>
  readonly build: (key: string, settings: Settings, family: Family<A, Options>) => A
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
      maxKeys: settings.maxKeys
    })
    const decode = (options: Options) => spec.decode({ ...spec.options, ...options })
    const family: Family<A, Options> = {
      at: keyed.at,
      configure: (key, options) =>
        Effect.map(decode(options), (settings) => {
          const policy = spec.build(key, settings, family)
          remember(key, settings)
          keyed.set(key, policy)
          return policy
        }),
      keys: Effect.sync(keyed.keys),
      derive: (key, options) => Effect.map(decode(options), (settings) => spec.build(key, settings, family)),
      adoptUnsafe: keyed.set,
      forgetUnsafe: keyed.delete
    }
    return keyed.at("default")
  })
