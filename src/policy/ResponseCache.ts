/**
 * Answers a question that was answered before, without asking again.
 *
 * Equal questions that come at the same time are asked once. What is kept is
 * frozen, so that no caller can change another's answer. Failures are not kept,
 * unless it is said for how long.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import { unwrap } from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Persistence from "effect/persistence/Persistence"
import * as PubSub from "effect/PubSub"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as CacheKey from "./CacheKey.ts"
import * as CacheTally from "./CacheTally.ts"
import type * as CacheTerms from "./CacheTerms.ts"
import * as CacheTier from "./CacheTier.ts"
import * as Configuration from "./Configuration.ts"
import type { Described } from "./Description.ts"
import { TypeId } from "./Description.ts"
import { defaults, type Options, Settings } from "./ResponseCacheOptions.ts"
import * as WorkingCache from "./WorkingCache.ts"

export {
  /**
   * The name under which an answer is kept.
   *
   * @category models
   * @since 0.1.0
   */
  type CacheKey,
  /**
   * The key of a question, for who asks it more than once.
   *
   * @category constructors
   * @since 0.1.0
   */
  of as keyOf,
  /**
   * Who asks, and what.
   *
   * @category models
   * @since 0.1.0
   */
  type Question,
  /**
   * The question cannot be a cache key.
   *
   * @category errors
   * @since 0.1.0
   */
  Uncacheable
} from "./CacheKey.ts"

export {
  /**
   * What a cache shows of itself.
   *
   * @category models
   * @since 0.1.0
   */
  Snapshot,
  /**
   * What an answer that is there saves.
   *
   * @category models
   * @since 0.1.0
   */
  type Worth
} from "./CacheTally.ts"

export {
  /**
   * What became of a store that was asked for something.
   *
   * @category models
   * @since 0.1.0
   */
  type StoreFailure
} from "./CacheTier.ts"

export {
  /**
   * The options that hold where none is given.
   *
   * @category constants
   * @since 0.1.0
   */
  defaults,
  /**
   * The options of a response cache; see `defaults`.
   *
   * @category models
   * @since 0.1.0
   */
  type Options
} from "./ResponseCacheOptions.ts"

export {
  /**
   * An answer, and whether it was there already.
   *
   * @category models
   * @since 0.1.0
   */
  type Answer,
  /**
   * A call that tells those who wait for it something before it ends.
   *
   * @category models
   * @since 0.1.0
   */
  type Gathering,
  /**
   * What a cache cannot know of the answers to a question.
   *
   * @category models
   * @since 0.1.0
   */
  type Terms
} from "./CacheTerms.ts"

/**
 * A response cache. It needs the question beside the call, so it is no function
 * from effect to effect, but it can stand in a list of policies to explain.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResponseCache extends Described {
  readonly cacheNonDeterministic: boolean
  /**
   * The answer to a question, by running `ask` if nobody has it. Equal questions
   * have to have answers of one type. Interrupting one caller does not disturb
   * the others; interrupting the last stops the call.
   */
  readonly through: <A, E, R>(
    question: CacheKey.Question,
    ask: Effect.Effect<A, E, R>,
    terms?: CacheTerms.Terms<A, E>
  ) => Effect.Effect<CacheTerms.Answer<A>, E | CacheKey.Uncacheable, R>
  /** The same for who has the key of the question. */
  readonly throughKey: <A, E, R>(
    key: CacheKey.CacheKey,
    ask: Effect.Effect<A, E, R>,
    terms?: CacheTerms.Terms<A, E>
  ) => Effect.Effect<CacheTerms.Answer<A>, E, R>
  /**
   * The same for a call that tells those who wait for it something before it ends, such as an answer that comes bit by bit.
   * Who gets what is kept, or what a store below has, hears nothing.
   */
  readonly gather: <A, E, R, M>(
    key: CacheKey.CacheKey,
    gathering: CacheTerms.Gathering<A, E, R, M>,
    terms?: CacheTerms.Terms<A, E>
  ) => Effect.Effect<CacheTerms.Answer<A>, E, R>
  /**
   * The answer to a question if it is there and fresh, for who asks in a way of their own. What is not there counts as a
   * miss.
   */
  readonly find: <A>(
    key: CacheKey.CacheKey,
    terms?: CacheTerms.Terms<A>
  ) => Effect.Effect<CacheTerms.Answer<A> | undefined>
  /** Keeps what came of asking in a way of one's own, and took so many milliseconds. */
  readonly keep: <A>(
    key: CacheKey.CacheKey,
    value: A,
    took: number,
    terms?: CacheTerms.Terms<A>
  ) => Effect.Effect<void>
  /** What may be given, stale, in place of a failure of asking in a way of one's own. */
  readonly standIn: <A>(key: CacheKey.CacheKey) => Effect.Effect<CacheTerms.Answer<A> | undefined>
  readonly state: Effect.Effect<CacheTally.Snapshot>
  /** What becomes of the store below, from now on. A listener that falls far behind loses the oldest. */
  readonly storeFailures: Stream.Stream<CacheTier.StoreFailure>
  /**
   * Forgets every answer, in the store below as well, and what is being asked: that goes to those who wait for it, is not
   * kept, and nobody joins any more.
   */
  readonly clear: Effect.Effect<void>
}

/**
 * The service that a relay, or your own code, asks for.
 *
 * @category services
 * @since 0.1.0
 */
export const ResponseCache: Context.Service<ResponseCache, ResponseCache> = Context.Service<ResponseCache>(
  "effect-relay/policy/ResponseCache"
)

// a listener that falls further behind loses the oldest
const listenerCapacity = 256

const build = (
  settings: Settings,
  tierOf: (tell: (failure: CacheTier.StoreFailure) => void) => CacheTier.CacheTier | undefined
): Effect.Effect<ResponseCache> =>
  Effect.map(PubSub.sliding<CacheTier.StoreFailure>(listenerCapacity), (told) => {
    const tally = CacheTally.make()
    const tier = tierOf((failure) => {
      tally.storeFailures++
      PubSub.publishUnsafe(told, failure)
    })
    const cache = new WorkingCache.WorkingCache(settings, tally, tier)
    return {
      [TypeId]: () => ({ _tag: "ResponseCache" }),
      cacheNonDeterministic: settings.cacheNonDeterministic,
      through: <A, E, R>(
        question: CacheKey.Question,
        ask: Effect.Effect<A, E, R>,
        terms?: CacheTerms.Terms<A, E>
      ) =>
        Effect.suspend((): Effect.Effect<CacheTerms.Answer<A>, E | CacheKey.Uncacheable, R> => {
          const key = CacheKey.of(question)
          return Result.isFailure(key) ? Effect.fail(key.failure) : cache.look(key.success, ask, terms)
        }),
      throughKey: (key, ask, terms) => cache.look(key, ask, terms),
      gather: (key, gathering, terms) => cache.look(key, gathering, terms),
      find: (key, terms) => cache.find(key, terms),
      keep: (key, value, took, terms) => Effect.asVoid(cache.keep(key, value, took, terms)),
      standIn: (key) => cache.standIn(key),
      state: Effect.sync(() => CacheTally.snapshot(tally, cache.store)),
      storeFailures: tier === undefined ? Stream.empty : Stream.fromPubSub(told),
      clear: cache.clear
    }
  })

const decode = (options: Options | undefined) => Configuration.decode("ResponseCache", Settings, options, defaults)

/**
 * A response cache for code of your own.
 *
 * Fails with `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { ResponseCache } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const cache = yield* ResponseCache.make({ timeToLive: "1 minute" })
 *   const ask = (city: string) =>
 *     cache.through({ tenant: "acme", request: { city } }, Effect.sync(() => `weather in ${city}`))
 *   return [yield* ask("Bern"), yield* ask("Bern")]
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: Options): Effect.Effect<ResponseCache, Configuration.InvalidConfiguration> =>
  Effect.flatMap(decode(options), (settings) => build(settings, () => undefined))

/**
 * The same over a store that processes share, or that outlives them. What is not here is looked for there, and what comes is
 * written there, as far as a codec says how. A store that cannot be opened, or not yet, is one that fails.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makePersisted = (
  options?: Options
): Effect.Effect<
  ResponseCache,
  Configuration.InvalidConfiguration,
  Persistence.BackingPersistence | Scope.Scope
> =>
  Effect.gen(function*() {
    const settings = yield* decode(options)
    const opened = yield* CacheTier.open(yield* Persistence.BackingPersistence, settings.storeId)
    return yield* build(settings, (tell) => CacheTier.make(opened, settings.storeTimeout, tell))
  })

/**
 * The service, with these options.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<ResponseCache, Configuration.InvalidConfiguration> =>
  Layer.effect(ResponseCache, make(options))

/**
 * The service over a store, which another layer decides on: memory, files, SQL or Redis.
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { Persistence } from "effect/persistence"
 * import { ResponseCache } from "effect-relay"
 *
 * const CacheLive = ResponseCache.layerPersisted({ timeToLive: "1 hour" }).pipe(
 *   Layer.provide(Persistence.layerBackingMemory)
 * )
 *
 * Effect.runPromise(ResponseCache.ResponseCache.use(({ state }) => state).pipe(Effect.provide(CacheLive))).then(console.log)
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerPersisted = (
  options?: Options
): Layer.Layer<ResponseCache, Configuration.InvalidConfiguration, Persistence.BackingPersistence> =>
  Layer.effect(ResponseCache, makePersisted(options))

/**
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<ResponseCache, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(ResponseCache, Effect.flatMap(unwrap(options), make))
