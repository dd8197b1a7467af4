/**
 * Keeps calls, and the tokens they carry, under a limit, first come first served.
 *
 * Source: the generic cell rate algorithm, ITU-T I.371 (1993).
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import { unwrap } from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Gcra from "../machine/Gcra.ts"
import * as WaitList from "../machine/WaitList.ts"
import * as Attempt from "./Attempt.ts"
import * as Configuration from "./Configuration.ts"
import * as Keyed from "./Keyed.ts"
import * as Now from "./Now.ts"
import * as Rejection from "./Rejection.ts"

/**
 * Too many calls: our limiter refused this one, or the service answered 429 of
 * the kind that passes with time.
 *
 * @category errors
 * @since 0.1.0
 */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", {
  /** Which limiter, or which endpoint. */
  key: Schema.String,
  /** Who said no. */
  source: Schema.Literals(["Limiter", "Upstream"]),
  /** When a call may pass; exact to the millisecond for our limiter, the hint of the service otherwise. */
  retryAfter: Schema.optionalKey(Schema.DurationFromMillis),
  /** What the service said. */
  detail: Schema.optionalKey(Schema.String),
  attempts: Attempt.attempts
}) {
  override get message(): string {
    const who = this.source === "Limiter" ? `rate limiter "${this.key}" is at its limit` : `"${this.key}" asks to wait`
    return [
      who,
      ...(this.retryAfter === undefined ? [] : [`try again in ${Duration.format(this.retryAfter)}`]),
      ...(this.detail === undefined ? [] : [this.detail])
    ].join(", ")
  }
}

/**
 * The options of a rate limiter; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Calls in any window, from 1 up; `"unlimited"` for no such limit. */
  readonly limit?: number | "unlimited" | undefined
  /** Tokens in any window, from 1 up; `"unlimited"` for no such limit. */
  readonly tokenLimit?: number | "unlimited" | undefined
  /** The window that both limits speak of. */
  readonly window?: Duration.Input | undefined
  /** Share of a limit, 0 to 1, that may be used at once; at least one call. The rest is spread over the window. */
  readonly burst?: number | undefined
  /** How long a call may wait for its turn; zero to be refused at once. */
  readonly maxWait?: Duration.Input | undefined
  /** How many calls may wait, from 0 up. */
  readonly maxQueued?: number | undefined
  /** How many keys `at` remembers, from 1 up. */
  readonly maxKeys?: number | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  limit: "unlimited",
  tokenLimit: "unlimited",
  window: "1 minute",
  burst: 0.02,
  maxWait: 0,
  maxQueued: 1000,
  maxKeys: 10_000
} as const satisfies Required<Options>

const limitField = Schema.Union([Schema.Literal("unlimited"), Configuration.integer(1)])

const Settings = Schema.Struct({
  limit: limitField,
  tokenLimit: limitField,
  window: Configuration.duration,
  burst: Configuration.share("closed"),
  maxWait: Configuration.durationOrZero,
  maxQueued: Configuration.integer(0),
  maxKeys: Configuration.integer(1)
})

/**
 * What a rate limiter shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  key: Schema.String,
  queued: Schema.Int,
  /** Milliseconds until one more call may pass, behind those that wait; 0 for now. */
  retryAfter: Schema.Number
})

/**
 * What a rate limiter shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

/**
 * What one call uses of the limits.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cost {
  readonly calls: number
  readonly tokens: number
}

/**
 * A rate limiter for its own key, and one for every key of `at`.
 *
 * The `Unsafe` members decide synchronously at a given time; they are for code
 * that asks several policies in one step, as the relay does.
 *
 * @category models
 * @since 0.1.0
 */
export interface RateLimiter {
  readonly key: string
  /**
   * Runs an effect when its turn comes, or refuses it. An interrupted waiter
   * gives its turn to the next.
   */
  readonly protect: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | RateLimited, R>
  /** As `protect`, for a call that carries this many tokens. */
  readonly protectTokens: (
    tokens: number
  ) => <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | RateLimited, R>
  readonly state: Effect.Effect<Snapshot>
  /** The limiter of another key, with the same options. */
  readonly at: (key: string) => RateLimiter
  /** The limiter of another key, made anew with options of its own over the ones here. */
  readonly configure: (key: string, options: Options) => Effect.Effect<RateLimiter, Configuration.InvalidConfiguration>
  readonly keys: Effect.Effect<ReadonlyArray<string>>
  /** Milliseconds until this may pass, behind those that wait; 0 for now. */
  readonly waitUnsafe: (cost: Cost, now: number) => number
  /** Charges this, whether or not it may pass. */
  readonly takeUnsafe: (cost: Cost, now: number) => void
  /** Gives back what was charged and not used; a negative cost charges what was used on top. */
  readonly refundUnsafe: (cost: Cost) => void
  readonly refusalUnsafe: (wait: number) => RateLimited
  readonly snapshotUnsafe: (now: number) => Snapshot
}

/**
 * The service that a relay, or your own code, asks for.
 *
 * @category services
 * @since 0.1.0
 */
export const RateLimiter: Context.Service<RateLimiter, RateLimiter> = Context.Service<RateLimiter>(
  "effect-relay/policy/RateLimiter"
)

interface Family {
  readonly registry: Keyed.Keyed<RateLimiter>
  readonly options: Options
  /** The latest time any limiter of the family was asked at. */
  now: number
}

interface Waiter {
  readonly cost: Cost
  wake: (() => void) | undefined
}

const oneCall: Cost = { calls: 1, tokens: 0 }

const ruleOf = (limit: number | "unlimited", settings: typeof Settings.Type): Gcra.Rule | undefined =>
  limit === "unlimited"
    ? undefined
    : Gcra.rule(limit, settings.window, Math.max(1, Math.floor(limit * settings.burst)))

const build = (key: string, settings: typeof Settings.Type, family: Family): RateLimiter => {
  const calls = ruleOf(settings.limit, settings)
  const tokens = ruleOf(settings.tokenLimit, settings)
  const queue = WaitList.make<Waiter>()
  let callsTat = 0
  let tokensTat = 0
  let queuedCalls = 0
  let queuedTokens = 0

  const waitAlone = (cost: Cost, now: number): number =>
    Math.max(
      calls === undefined ? 0 : Gcra.wait(callsTat, now, cost.calls, calls),
      tokens === undefined || cost.tokens === 0 ? 0 : Gcra.wait(tokensTat, now, cost.tokens, tokens)
    )

  const waitUnsafe = (cost: Cost, now: number): number => {
    family.now = now
    if (queue.size === 0) return waitAlone(cost, now)
    return Math.max(
      calls === undefined ? 0 : Gcra.wait(Gcra.take(callsTat, now, queuedCalls, calls), now, cost.calls, calls),
      tokens === undefined ? 0 : Gcra.wait(Gcra.take(tokensTat, now, queuedTokens, tokens), now, cost.tokens, tokens)
    )
  }

  const takeUnsafe = (cost: Cost, now: number): void => {
    if (calls !== undefined) callsTat = Gcra.take(callsTat, now, cost.calls, calls)
    if (tokens !== undefined) tokensTat = Gcra.take(tokensTat, now, cost.tokens, tokens)
  }

  const refundUnsafe = (cost: Cost): void => {
    if (calls !== undefined) callsTat = Gcra.refund(callsTat, cost.calls, calls)
    if (tokens !== undefined) tokensTat = Gcra.refund(tokensTat, cost.tokens, tokens)
  }

  const refusalUnsafe = (wait: number): RateLimited =>
    Rejection.make(RateLimited, {
      key,
      source: "Limiter" as const,
      retryAfter: Duration.millis(Math.ceil(wait)),
      attempts: Attempt.none
    })

  const enter = (cost: Cost): WaitList.Place<Waiter> => {
    queuedCalls += cost.calls
    queuedTokens += cost.tokens
    return WaitList.enter(queue, { cost, wake: undefined })
  }

  // whoever leaves the head of the queue wakes the next; nobody else runs a timer
  const leave = (place: WaitList.Place<Waiter>): void => {
    if (place.list === undefined) return
    const wasFirst = queue.first === place
    queuedCalls -= place.value.cost.calls
    queuedTokens -= place.value.cost.tokens
    WaitList.leave(place)
    if (wasFirst) queue.first?.value.wake?.()
  }

  const untilFirst = (place: WaitList.Place<Waiter>): Effect.Effect<void> =>
    Effect.callback<void>((resume) => {
      if (queue.first === place) resume(Effect.void)
      else place.value.wake = () => resume(Effect.void)
    })

  const untilPassed = (place: WaitList.Place<Waiter>): Effect.Effect<void> =>
    Effect.withFiber((fiber) => {
      const now = Now.read(Now.clockOf(fiber))
      const wait = waitAlone(place.value.cost, now)
      // a timer may fire a little early: ask again
      if (wait > 0) return Effect.flatMap(Effect.sleep(Math.ceil(wait)), () => untilPassed(place))
      takeUnsafe(place.value.cost, now)
      leave(place)
      return Effect.void
    })

  const protectCost = (cost: Cost) => <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | RateLimited, R> =>
    Effect.withFiber((fiber): Effect.Effect<A, E | RateLimited, R> => {
      const now = Now.read(Now.clockOf(fiber))
      const wait = waitUnsafe(cost, now)
      if (wait === 0 && queue.size === 0) {
        takeUnsafe(cost, now)
        return self
      }
      if (wait > settings.maxWait || queue.size >= settings.maxQueued) return Effect.fail(refusalUnsafe(wait))
      let place: WaitList.Place<Waiter> | undefined
      const turn = Effect.onExitPrimitive(
        Effect.suspend(() => {
          place = enter(cost)
          return Effect.flatMap(untilFirst(place), () => untilPassed(place!))
        }),
        () => {
          if (place !== undefined) leave(place)
          return undefined
        }
      )
      return Effect.flatMap(turn, () => self)
    })

  const snapshotUnsafe = (now: number): Snapshot => ({
    key,
    queued: queue.size,
    retryAfter: Math.ceil(waitUnsafe(oneCall, now))
  })

  return {
    key,
    protect: protectCost(oneCall),
    protectTokens: (tokens) => protectCost({ calls: 1, tokens }),
    state: Effect.withFiberSucceed((fiber) => snapshotUnsafe(Now.read(Now.clockOf(fiber)))),
    at: family.registry.at,
    configure: (other, overrides) =>
      Effect.map(decode({ ...family.options, ...overrides }), (settings) => {
        const limiter = build(other, settings, family)
        family.registry.set(other, limiter)
        return limiter
      }),
    keys: Effect.sync(family.registry.keys),
    waitUnsafe,
    takeUnsafe,
    refundUnsafe,
    refusalUnsafe,
    snapshotUnsafe
  }
}

const decode = (options: Options | undefined) => Configuration.decode("RateLimiter", Settings, options, defaults)

/**
 * A rate limiter for code of your own.
 *
 * Over any window, wherever it starts, at most `limit` calls pass. Fails with
 * `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RateLimiter } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const limiter = yield* RateLimiter.make({ limit: 1, window: "1 minute" })
 *   const call = Effect.succeed("sent").pipe(
 *     limiter.protect,
 *     Effect.catchTag("RateLimited", (limited) => Effect.succeed(limited.message))
 *   )
 *   return [yield* call, yield* call]
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: Options): Effect.Effect<RateLimiter, Configuration.InvalidConfiguration> =>
  Effect.map(decode(options), (settings) => {
    const family: Family = {
      options: options ?? {},
      now: 0,
      registry: Keyed.make({
        create: (key): RateLimiter => build(key, settings, family),
        isIdle: (limiter) => limiter.snapshotUnsafe(family.now).retryAfter === 0,
        maxKeys: settings.maxKeys
      })
    }
    return family.registry.at("default")
  })

/**
 * The service, with these options for every key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<RateLimiter, Configuration.InvalidConfiguration> =>
  Layer.effect(RateLimiter, make(options))

/**
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<RateLimiter, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(RateLimiter, Effect.flatMap(unwrap(options), make))
