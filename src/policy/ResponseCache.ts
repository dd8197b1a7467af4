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
import * as Hash from "effect/Hash"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as CanonicalJson from "./CanonicalJson.ts"
import * as Configuration from "./Configuration.ts"
import type { Described } from "./Description.ts"
import { TypeId } from "./Description.ts"
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
  cacheNonDeterministic: Configuration.flag
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
   * the others; interrupting the last stops the call. An answer that `isKept`
   * says no to is given to those who wait for it, and not kept.
   */
  readonly through: <A, E, R>(
    question: Question,
    ask: Effect.Effect<A, E, R>,
    isKept?: (value: A) => boolean
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

  constructor(text: string, ask: Effect.Effect<unknown, unknown>) {
    this.text = text
    this.ask = ask
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

const isPlain = (value: unknown): value is object => {
  if (typeof value !== "object" || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === Object.prototype || prototype === null
}

// without recursion: an answer may be nested deeper than the stack
const freeze = (value: unknown): void => {
  const seen = new Set<unknown>()
  const left: Array<unknown> = [value]
  while (left.length > 0) {
    const next = left.pop()
    if (!isPlain(next) || seen.has(next)) continue
    seen.add(Object.freeze(next))
    for (const member of Object.values(next)) left.push(member)
  }
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

    const answers = yield* Cache.make<string, Entry>({
      capacity: settings.capacity,
      lookup: () => Effect.die("answers are put in, not looked up")
    })

    // who asks the same while somebody does joins; whoever is last to leave stops the call
    const calls = yield* Cache.makeWith((key: Key) => key.ask, { capacity: Infinity, timeToLive: () => 0 })

    const known = (text: string): Effect.Effect<Entry | undefined> =>
      Effect.flatMap(Cache.getSuccess(answers, text), (entry) => {
        if (Option.isNone(entry)) return Effect.undefined
        return Effect.flatMap(Now.current, (now) =>
          now - entry.value.storedAt < settings.timeToLive
            ? Effect.succeed(entry.value)
            : Effect.as(Cache.invalidate(answers, text), undefined))
      })

    const keep = (text: string, value: unknown): Effect.Effect<void> =>
      Effect.flatMap(Now.current, (storedAt) => Cache.set(answers, text, { value, storedAt }))

    const through = <A, E, R>(
      question: Question,
      ask: Effect.Effect<A, E, R>,
      isKept?: (value: A) => boolean
    ): Effect.Effect<Answer<A>, E | Uncacheable, R> =>
      Effect.contextWith((context: Context.Context<R>): Effect.Effect<Answer<A>, E | Uncacheable> => {
        const { request, tenant } = question
        const text = CanonicalJson.stringify({ tenant, request })
        if (Result.isFailure(text)) return Effect.fail(new Uncacheable(text.failure))
        let asks = false
        const key = new Key(
          text.success,
          // somebody may have asked and been answered since this one looked
          Effect.flatMap(known(text.success), (entry) => {
            if (entry !== undefined) return Effect.succeed(entry.value)
            asks = true
            return Effect.tap(Effect.provideContext(ask, context), (value) => {
              freeze(value)
              return isKept?.(value) === false ? Effect.void : keep(text.success, value)
            })
          })
        )
        return Effect.flatMap(known(text.success), (entry) => {
          if (entry !== undefined) {
            hits++
            return Effect.succeed({ value: entry.value as A, hit: true })
          }
          return Effect.map(Cache.get(calls, key) as Effect.Effect<A, E>, (value) => {
            if (asks) misses++
            else hits++
            return { value, hit: !asks }
          })
        })
      })

    return {
      [TypeId]: () => ({ _tag: "ResponseCache" }),
      cacheNonDeterministic: settings.cacheNonDeterministic,
      through,
      state: Effect.map(Cache.size(answers), (entries) => ({ entries, capacity: settings.capacity, hits, misses })),
      clear: Cache.invalidateAll(answers)
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
