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
import { constVoid } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Gcra from "../machine/Gcra.ts"
import * as WaitList from "../machine/WaitList.ts"
import * as Attempt from "./Attempt.ts"
import type * as Configuration from "./Configuration.ts"
import * as Keyed from "./Keyed.ts"
import * as Now from "./Now.ts"
import { RateLimited } from "./RateLimited.ts"
import * as RateLimiterOptions from "./RateLimiterOptions.ts"
import * as Rejection from "./Rejection.ts"

export {
  /**
   * The options that hold where none is given.
   *
   * @category constants
   * @since 0.1.0
   */
  defaults,
  /**
   * The options; see `defaults`.
   *
   * @category models
   * @since 0.1.0
   */
  type Options
} from "./RateLimiterOptions.ts"

export {
  /**
   * The error that `protect` adds.
   *
   * @category errors
   * @since 0.1.0
   */
  RateLimited
} from "./RateLimited.ts"

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
export interface RateLimiter extends Keyed.Family<RateLimiter, RateLimiterOptions.Options, Snapshot> {
  readonly key: string
  /**
   * Runs an effect when its turn comes, or refuses it. An interrupted waiter
   * gives its turn to the next.
   */
  readonly protect: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | RateLimited, R>
  /** As `protect`, for a call that carries this many tokens, from 0 up; more than `tokenLimit` counts as that. */
  readonly protectTokens: (
    tokens: number
  ) => <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | RateLimited, R>
  readonly state: Effect.Effect<Snapshot>
  /** Forgets what was used; those that wait are served as if it had just been made. */
  readonly reset: Effect.Effect<void>
  /** Milliseconds until this may pass, behind those that wait; 0 for now. */
  readonly waitUnsafe: (cost: Cost, now: number) => number
  /** Charges this, whether or not it may pass. */
  readonly takeUnsafe: (cost: Cost, now: number) => void
  /** Gives back what was charged at `takenAt` and not used; a negative cost charges what was used on top. */
  readonly refundUnsafe: (cost: Cost, takenAt: number) => void
  readonly refusalUnsafe: (wait: number) => RateLimited
  /**
   * Waits for its turn, at most `maxWait` milliseconds, and takes it. `onTurn` is
   * called in the step that takes it; what is not used then is the caller's to refund.
   */
  readonly awaitTurn: (cost: Cost, maxWait: number, onTurn: () => void) => Effect.Effect<void, RateLimited>
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

interface Waiter {
  readonly cost: Cost
  wake: (() => void) | undefined
}

const oneCall: Cost = { calls: 1, tokens: 0 }

// what cannot be counted counts as the most there is; nobody may put tokens back by using fewer than none
const countOf = (tokens: number, limit: number | "unlimited"): number => {
  const most = limit === "unlimited" ? Number.MAX_SAFE_INTEGER : limit
  return Number.isNaN(tokens) ? most : Math.min(most, Math.max(0, Math.ceil(tokens)))
}

/** The latest time any limiter of the family was asked at. */
interface Latest {
  now: number
}

const build = (
  key: string,
  settings: RateLimiterOptions.Settings,
  family: Keyed.Family<RateLimiter, RateLimiterOptions.Options, Snapshot>,
  latest: Latest
): RateLimiter => {
  const calls = RateLimiterOptions.toRule(settings.limit, settings.burst, settings)
  const tokens = RateLimiterOptions.toRule(settings.tokenLimit, settings.tokenBurst, settings)
  const queue = WaitList.make<Waiter>()
  let callsTat = Gcra.idle
  let tokensTat = Gcra.idle
  let callsBusySince = -Infinity
  let tokensBusySince = -Infinity
  let queuedCalls = 0
  let queuedTokens = 0
  let hasNewHead = false
  let isWaking = false

  const waitAlone = (cost: Cost, now: number): number =>
    Math.max(
      calls === undefined ? 0 : Gcra.wait(callsTat, now, cost.calls, calls),
      tokens === undefined || cost.tokens === 0 ? 0 : Gcra.wait(tokensTat, now, cost.tokens, tokens)
    )

  const waitUnsafe = (cost: Cost, now: number): number => {
    latest.now = now
    if (queue.size === 0) return waitAlone(cost, now)
    return Math.max(
      calls === undefined ? 0 : Gcra.wait(Gcra.take(callsTat, now, queuedCalls, calls), now, cost.calls, calls),
      tokens === undefined ? 0 : Gcra.wait(Gcra.take(tokensTat, now, queuedTokens, tokens), now, cost.tokens, tokens)
    )
  }

  const takeUnsafe = (cost: Cost, now: number): void => {
    if (calls !== undefined) {
      if (callsTat <= now) callsBusySince = now
      callsTat = Gcra.take(callsTat, now, cost.calls, calls)
    }
    if (tokens !== undefined && cost.tokens > 0) {
      if (tokensTat <= now) tokensBusySince = now
      tokensTat = Gcra.take(tokensTat, now, cost.tokens, tokens)
    }
  }

  // what was taken before the limiter last lay idle has long been forgotten: it cannot be lent again
  const refundUnsafe = (cost: Cost, takenAt: number): void => {
    if (calls !== undefined && takenAt >= callsBusySince) callsTat = Gcra.refund(callsTat, cost.calls, calls)
    if (tokens !== undefined && (takenAt >= tokensBusySince || cost.tokens < 0)) {
      // one absurd count is not to close the limiter for longer than a window
      const count = Math.max(cost.tokens, -Number(settings.tokenLimit))
      tokensTat = Gcra.refund(tokensTat, count, tokens)
    }
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

  // whoever leaves the head of the queue wakes the next; nobody else runs a timer. The next may
  // pass and leave at once, so a long line is served in a loop, not in a recursion
  const leave = (place: WaitList.Place<Waiter>): void => {
    if (place.list === undefined) return
    hasNewHead ||= queue.first === place
    queuedCalls -= place.value.cost.calls
    queuedTokens -= place.value.cost.tokens
    WaitList.leave(place)
    if (isWaking) return
    isWaking = true
    try {
      while (hasNewHead) {
        hasNewHead = false
        queue.first?.value.wake?.()
      }
    } finally {
      isWaking = false
    }
  }

  const untilFirst = (place: WaitList.Place<Waiter>): Effect.Effect<void> =>
    Effect.callback<void>((resume) => {
      if (queue.first === place) resume(Effect.void)
      else place.value.wake = () => resume(Effect.void)
    })

  const untilPassed = (place: WaitList.Place<Waiter>, onTurn: () => void): Effect.Effect<void> =>
    Effect.withFiber((fiber) => {
      const now = Now.read(Now.clockOf(fiber))
      const wait = waitAlone(place.value.cost, now)
      // a timer may fire a little early: ask again
      if (wait > 0) return Effect.flatMap(Effect.sleep(Math.ceil(wait)), () => untilPassed(place, onTurn))
      takeUnsafe(place.value.cost, now)
      onTurn()
      leave(place)
      return Effect.void
    })

  const awaitTurn = (cost: Cost, maxWait: number, onTurn: () => void): Effect.Effect<void, RateLimited> =>
    Effect.withFiber((fiber): Effect.Effect<void, RateLimited> => {
      const now = Now.read(Now.clockOf(fiber))
      const wait = waitUnsafe(cost, now)
      if (wait === 0 && queue.size === 0) {
        takeUnsafe(cost, now)
        onTurn()
        return Effect.void
      }
      if (wait > maxWait) return Effect.fail(refusalUnsafe(wait))
      let place: WaitList.Place<Waiter> | undefined
      return Effect.onExitPrimitive(
        Effect.suspend((): Effect.Effect<void, RateLimited> => {
          if (queue.size >= settings.maxQueued) return Effect.fail(refusalUnsafe(wait))
          place = enter(cost)
          return Effect.flatMap(untilFirst(place), () => untilPassed(place!, onTurn))
        }),
        () => {
          if (place !== undefined) leave(place)
          return undefined
        }
      )
    })

  const protectCost = (cost: Cost) => {
    const turn = awaitTurn(cost, settings.maxWait, constVoid)
    return <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | RateLimited, R> =>
      Effect.flatMap(turn, () => self)
  }

  const snapshotUnsafe = (now: number): Snapshot => ({
    key,
    queued: queue.size,
    retryAfter: Math.ceil(waitUnsafe(oneCall, now))
  })

  return {
    ...family,
    key,
    protect: protectCost(oneCall),
    protectTokens: (tokens) => protectCost({ calls: 1, tokens: countOf(tokens, settings.tokenLimit) }),
    state: Effect.withFiberSucceed((fiber) => snapshotUnsafe(Now.read(Now.clockOf(fiber)))),
    reset: Effect.sync(() => {
      callsTat = tokensTat = Gcra.idle
    }),
    waitUnsafe,
    takeUnsafe,
    refundUnsafe,
    refusalUnsafe,
    awaitTurn,
    snapshotUnsafe
  }
}

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
export const make = (
  options?: RateLimiterOptions.Options
): Effect.Effect<RateLimiter, Configuration.InvalidConfiguration> =>
  Effect.suspend(() => {
    const latest: Latest = { now: 0 }
    return Keyed.makeFamily<RateLimiter, RateLimiterOptions.Options, RateLimiterOptions.Settings>({
      subject: "RateLimiter",
      options,
      decode: RateLimiterOptions.decode,
      build: (key, settings, family) => build(key, settings, family, latest),
      isIdle: (limiter) => limiter.snapshotUnsafe(latest.now).retryAfter === 0
    })
  })

/**
 * The service, with these options for every key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options?: RateLimiterOptions.Options
): Layer.Layer<RateLimiter, Configuration.InvalidConfiguration> => Layer.effect(RateLimiter, make(options))

/**
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<RateLimiterOptions.Options>
): Layer.Layer<RateLimiter, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(RateLimiter, Effect.flatMap(unwrap(options), make))
