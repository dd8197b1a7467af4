/**
 * Answers a question that was answered before, without asking again.
 *
 * Equal questions that come at the same time are asked once. Failures are not
 * kept. What is kept is frozen, so that no caller can change another's answer.
 *
 * @since 0.1.0
 */
import * as Cache from "effect/Cache"
import type * as Config from "effect/Config"
import { unwrap } from "effect/Config"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import { constTrue } from "effect/Function"
import * as Hash from "effect/Hash"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as CanonicalJson from "./CanonicalJson.ts"
import * as Configuration from "./Configuration.ts"
import * as Now from "./Now.ts"

/**
 * The question cannot be a cache key: it holds something that JSON cannot say.
 *
 * @category errors
 * @since 0.1.0
 */
export class Uncacheable extends Schema.TaggedError<Uncacheable>()("Uncacheable", {
  /** Where in the question. */
  path: Schema.String,
  rule: Schema.String
}) {
  override get message(): string {
    return `no cache key for this request: at ${this.path}, ${this.rule}`
  }
}

/**
 * The options of a response cache; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How many answers are kept, from 1 up; at the bound the one unused for longest goes. */
  readonly capacity?: number | undefined
  /** How long an answer is good for. */
  readonly timeToLive?: Duration.Input | undefined
  /** Whether a relay also keeps answers to requests that leave room for chance (no `temperature` of 0). */
  readonly cacheNonDeterministic?: boolean | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  capacity: 1000,
  timeToLive: "5 minutes",
  cacheNonDeterministic: false
} as const satisfies Required<Options>

const Settings = Schema.Struct({
  capacity: Configuration.integer(1),
  timeToLive: Configuration.duration,
  cacheNonDeterministic: Schema.Boolean
})

/**
 * Who asks, and what: tenants never share an answer, and everything in the
 * request counts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Question {
  readonly tenant: string
  /** Any JSON value. The order of its keys does not matter. */
  readonly request: unknown
}

/**
 * An answer, and whether it was there already.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer<A> {
  readonly value: A
  readonly hit: boolean
}

/**
 * What a cache shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  entries: Schema.Int,
  capacity: Schema.Int,
  hits: Schema.Int,
  misses: Schema.Int
})

/**
 * What a cache shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

/**
 * A response cache.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResponseCache {
  readonly cacheNonDeterministic: boolean
  /**
   * The answer to a question, by running `ask` if nobody has it. Equal questions
   * have to have answers of one type. Interrupting one caller does not disturb
   * the others; interrupting the last stops the call. An answer that `keep` says
   * no to is given to those who wait for it, and not kept.
   */
  readonly through: <A, E, R>(
    question: Question,
    ask: Effect.Effect<A, E, R>,
    keep?: (value: A) => boolean
  ) => Effect.Effect<Answer<A>, E | Uncacheable, R>
  readonly state: Effect.Effect<Snapshot>
  /** Forgets every answer. */
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

// equal by text alone, and carries the way to the answer to whoever asks first
class Key implements Equal.Equal {
  readonly text: string
  readonly ask: Effect.Effect<unknown, unknown>
  readonly keep: (value: unknown) => boolean

  constructor(text: string, ask: Effect.Effect<unknown, unknown>, keep: (value: unknown) => boolean) {
    this.text = text
    this.ask = ask
    this.keep = keep
  }

  [Hash.symbol](): number {
    return Hash.string(this.text)
  }

  [Equal.symbol](that: Equal.Equal): boolean {
    return that instanceof Key && this.text === that.text
  }
}

interface Entry {
  readonly value: unknown
  readonly storedAt: number
}

const freeze = (value: unknown): void => {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return
  const prototype = Object.getPrototypeOf(value)
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return
  Object.freeze(value)
  for (const member of Object.values(value)) freeze(member)
}

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
  Effect.gen(function*() {
    const settings = yield* Configuration.decode("ResponseCache", Settings, options, defaults)
    let hits = 0
    let misses = 0

    const cache = yield* Cache.makeWith(
      (key: Key): Effect.Effect<Entry, unknown> =>
        Effect.flatMap(key.ask, (value) => {
          freeze(value)
          return Effect.map(Now.current, (storedAt) => ({ value, storedAt }))
        }),
      {
        capacity: settings.capacity,
        timeToLive: (exit, key) => exit._tag === "Success" && key.keep(exit.value.value) ? settings.timeToLive : 0
      }
    )

    const through = <A, E, R>(
      question: Question,
      ask: Effect.Effect<A, E, R>,
      keep?: (value: A) => boolean
    ): Effect.Effect<Answer<A>, E | Uncacheable, R> =>
      Effect.contextWith((context: Context.Context<R>): Effect.Effect<Answer<A>, E | Uncacheable> => {
        const text = CanonicalJson.stringify([question.tenant, question.request])
        if (Result.isFailure(text)) return Effect.fail(new Uncacheable(text.failure))
        let asked = false
        const key = new Key(
          text.success,
          Effect.suspend(() => {
            asked = true
            return Effect.provideContext(ask, context)
          }),
          keep === undefined ? constTrue : (value) => keep(value as A)
        )
        const get = Cache.get(cache, key) as Effect.Effect<Entry, E>
        const answer = (entry: Entry): Answer<A> => {
          if (asked) misses++
          else hits++
          return { value: entry.value as A, hit: !asked }
        }
        return Effect.flatMap(get, (entry) =>
          // the cache below ages by the wall clock, which may be set back
          Effect.flatMap(Now.current, (now) =>
            now - entry.storedAt <= settings.timeToLive
              ? Effect.succeed(answer(entry))
              : Cache.invalidateWhen(cache, key, (stale) => stale === entry).pipe(
                Effect.andThen(get),
                Effect.map(answer)
              )))
      })

    return {
      cacheNonDeterministic: settings.cacheNonDeterministic,
      through,
      state: Effect.map(Cache.size(cache), (entries) => ({ entries, capacity: settings.capacity, hits, misses })),
      clear: Cache.invalidateAll(cache)
    }
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
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<ResponseCache, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(ResponseCache, Effect.flatMap(unwrap(options), make))
