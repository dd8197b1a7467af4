/**
 * Keeps calls, and the tokens they carry, under any number of limits, first
 * come first served.
 *
 * Four algorithms, each in `machine/` with its source: GCRA, token bucket, exact
 * sliding window, fixed window.
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import { unwrap } from "effect/Config"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Limit from "../machine/Limit.ts"
import type * as Limits from "../machine/Limits.ts"
import type * as Configuration from "./Configuration.ts"
import * as Control from "./Control.ts"
import type * as Description from "./Description.ts"
import type * as Hint from "./Hint.ts"
import type * as InvalidArgument from "./InvalidArgument.ts"
import * as Keyed from "./Keyed.ts"
import * as Now from "./Now.ts"
import * as Passage from "./Passage.ts"
import * as Policy from "./Policy.ts"
import type { RateLimited } from "./RateLimited.ts"
import * as RateLimiterOptions from "./RateLimiterOptions.ts"
import type { Snapshot } from "./RateLimiterSnapshot.ts"
import * as RateLimiterSnapshot from "./RateLimiterSnapshot.ts"
import type * as Reservation from "./Reservation.ts"
import * as Turns from "./Turns.ts"
import type * as Weight from "./Weight.ts"

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
 * What one call uses of the limits.
 *
 * @category models
 * @since 0.1.0
 */
export type Cost = Limits.Cost

export {
  /**
   * What a rate limiter shows of itself.
   *
   * @category models
   * @since 0.1.0
   */
  Snapshot
} from "./RateLimiterSnapshot.ts"

export {
  /**
   * What was reserved, until it is settled or cancelled.
   *
   * @category models
   * @since 0.1.0
   */
  type Reservation
} from "./Reservation.ts"

export {
  /**
   * What one call uses of the limits.
   *
   * @category models
   * @since 0.1.0
   */
  type Weight
} from "./Weight.ts"

export {
  /**
   * What an answer says of one limit.
   *
   * @category models
   * @since 0.1.0
   */
  type Hint
} from "./Hint.ts"

/**
 * A rate limiter for its own key, and one for every key of `at`.
 *
 * A weight that is no count, or that an exact window could never let pass, is
 * an `InvalidArgument`. The `Unsafe` members decide synchronously at a given
 * time; they are for code that asks several policies in one step, as the relay does.
 *
 * @category models
 * @since 0.1.0
 */
export interface RateLimiter extends Keyed.Family<RateLimiter, RateLimiterOptions.Options, Snapshot> {
  readonly key: string
  /**
   * Runs an effect when its turn comes, or refuses it: at once if its turn comes
   * later than `maxWait` or than its deadline. Who is interrupted before the
   * effect has begun gives its turn to the next.
   */
  readonly protect: Policy.Policy<RateLimited>
  /**
   * As `protect`, for a call that carries this many tokens, from 0 up. Where the
   * algorithm paces, a call above the burst passes when nothing is owed, and
   * those after it pay.
   */
  readonly protectTokens: (tokens: number) => Policy.Policy<Passage.Refused>
  /** As `protect`, for a call of any weight. */
  readonly protectCost: (weight: Weight.Weight) => Policy.Policy<Passage.Refused>
  /** As `protectCost`, with an estimate that is corrected by what the answer says was used. */
  readonly protectMeasured: <A>(
    estimate: Weight.Weight,
    actualOf: (answer: A) => Weight.Weight
  ) => Passage.Measured<A>
  /**
   * Charges an estimate when its turn comes and leaves it to the caller to
   * settle. An interrupt after that gives nothing back: see `withReservation`.
   */
  readonly reserve: (
    estimate: Weight.Weight
  ) => Effect.Effect<Reservation.Reservation, Passage.Refused>
  /**
   * Charges an estimate when its turn comes and corrects it by what the answer
   * says was used. An interrupt gives all of it back; a failure leaves the
   * estimate standing, unless `use` has settled it.
   */
  readonly withReservation: <A, E, R>(
    estimate: Weight.Weight,
    use: (reservation: Reservation.Reservation) => Effect.Effect<A, E, R>,
    actualOf?: (answer: A) => Weight.Weight
  ) => Effect.Effect<A, E | Passage.Refused, R>
  readonly state: Effect.Effect<Snapshot>
  /** Forgets what was used and learned and ends a pause; those that wait are served as if it had just been made. */
  readonly reset: Effect.Effect<void>
  /**
   * Lays options over those that hold, for this key while it is remembered.
   * What was used stays used, those who wait keep their places.
   */
  readonly update: (
    options: Omit<RateLimiterOptions.Options, "maxKeys">
  ) => Effect.Effect<void, Configuration.InvalidConfiguration>
  /** Lets nothing pass for a time, at most `maxPause`; of several pauses the longest holds. */
  readonly pause: (duration: Duration.Input) => Effect.Effect<void, InvalidArgument.InvalidArgument>
  /**
   * Learns from what a service says of its limits; it can only make ours
   * tighter. `Reservation.learn` also knows how old the answer is.
   */
  readonly learn: (hint: Hint.Hint) => Effect.Effect<void, InvalidArgument.InvalidArgument>
  /**
   * The service has refused a call for its own limits, with HTTP 429 for one: from now on the share `backOff` of what
   * was used of the limits is used, at least one a window, and what was left of a burst is gone. It comes back with
   * time, from the end of a pause on. Refusals within a second are one. What is unlimited stays so, and a limit whose
   * window lasts longer than ten minutes as it is.
   */
  readonly slowDown: Effect.Effect<void>
  /** Milliseconds until this may pass, behind those that wait; 0 for now, `Infinity` for never. */
  readonly waitUnsafe: (cost: Cost, now: number) => number
  /** Charges this, whether or not it may pass. */
  readonly takeUnsafe: (cost: Cost, now: number) => void
  /** Gives back what was charged at `takenAt` and not used; a negative cost charges what was used on top. */
  readonly refundUnsafe: (cost: Cost, takenAt: number) => void
  /** All that was ever taken. */
  readonly takenUnsafe: () => Cost
  /**
   * As `Reservation.learn`, from the answer to a call sent at a time, when so much had been taken. A limit that this
   * limiter does not have is passed over.
   */
  readonly learnUnsafe: (
    of: Limit.Unit,
    hint: Limit.Hint,
    sent: { readonly at: number; readonly takenBefore: Cost },
    now: number
  ) => void
  /** As `slowDown`, after the refusal of a call sent at a time; it comes back from `from` on. */
  readonly slowDownUnsafe: (sentAt: number, now: number, from: number) => void
  /** Ends what a slowing down has left, and nothing else. */
  readonly liftUnsafe: (now: number) => void
  /** Whether more than half of every burst is left and nobody waits. */
  readonly isAmpleUnsafe: (now: number) => boolean
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

// one object a key: what may be called by its bare name is made when it is asked for
class KeyLimiter extends Keyed.Sibling<RateLimiter, RateLimiterOptions.Options, Snapshot> implements RateLimiter {
  readonly #turns: Turns.Turns
  #protect: Policy.Policy<RateLimited> | undefined

  constructor(turns: Turns.Turns, family: Keyed.Family<RateLimiter, RateLimiterOptions.Options, Snapshot>) {
    super(family)
    this.#turns = turns
  }

  get key(): string {
    return this.#turns.key
  }
  get protect(): RateLimiter["protect"] {
    return this.#protect ??= this.#described(Passage.one(this.#turns))
  }
  get protectTokens(): RateLimiter["protectTokens"] {
    return (tokens) => this.#described(Passage.weighed(this.#turns, "RateLimiter.protectTokens", { tokens }))
  }
  get protectCost(): RateLimiter["protectCost"] {
    return (weight) => this.#described(Passage.weighed(this.#turns, "RateLimiter.protectCost", weight))
  }
  get protectMeasured(): RateLimiter["protectMeasured"] {
    return (estimate, actualOf) => this.#described(Passage.answered(this.#turns, estimate, actualOf))
  }
  get reserve(): RateLimiter["reserve"] {
    return (estimate) => Passage.reserve(this.#turns, estimate)
  }
  get withReservation(): RateLimiter["withReservation"] {
    return (estimate, use, actualOf) =>
      Passage.reserved(this.#turns, "RateLimiter.withReservation", estimate, use, actualOf)
  }
  get state(): RateLimiter["state"] {
    return Effect.map(Now.current, (now) => this.snapshotUnsafe(now))
  }
  get reset(): RateLimiter["reset"] {
    return Effect.map(Now.current, (now) => this.#turns.change((limits) => limits.reset(now)))
  }
  get update(): RateLimiter["update"] {
    return (options) => Control.update(this.#turns, options)
  }
  get pause(): RateLimiter["pause"] {
    return (duration) => Control.pause(this.#turns, duration)
  }
  get learn(): RateLimiter["learn"] {
    return (hint) => Control.learn(this.#turns, "RateLimiter.learn", hint)
  }
  get slowDown(): RateLimiter["slowDown"] {
    return Effect.map(Now.current, (now) => this.slowDownUnsafe(now, now, now))
  }
  get awaitTurn(): RateLimiter["awaitTurn"] {
    return (cost, maxWait, onTurn) => Effect.withFiber((fiber) => this.#turns.await(fiber, cost, maxWait, onTurn))
  }

  waitUnsafe(cost: Cost, now: number): number {
    return this.#turns.wait(cost, now)
  }
  takeUnsafe(cost: Cost, now: number): void {
    this.#turns.take(cost, now)
  }
  refundUnsafe(cost: Cost, takenAt: number): void {
    this.#turns.refund(cost, takenAt)
  }
  takenUnsafe(): Cost {
    return this.#turns.limits.taken
  }
  learnUnsafe(of: Limit.Unit, hint: Limit.Hint, sent: Control.Sent, now: number): void {
    Control.learnUnsafe(this.#turns, of, undefined, hint, sent, now)
  }
  slowDownUnsafe(sentAt: number, now: number, from: number): void {
    const { backOff } = this.#turns.settings
    this.#turns.change((limits) => limits.slowDown(backOff, sentAt, now, from))
  }
  liftUnsafe(now: number): void {
    this.#turns.change((limits) => limits.lift(now))
  }
  isAmpleUnsafe(now: number): boolean {
    return this.#turns.queued === 0 && this.#turns.limits.isAmple(now)
  }
  refusalUnsafe(wait: number): RateLimited {
    return this.#turns.refusal(wait)
  }
  snapshotUnsafe(now: number): RateLimiterSnapshot.Snapshot {
    return RateLimiterSnapshot.make(this.#turns, now)
  }
  isIdle(now: number): boolean {
    return this.#turns.queued === 0 && this.#turns.limits.isIdle(now)
  }

  #described<F extends object>(apply: F): F & Description.Described {
    return Policy.make(apply, () => Control.describe(this.#turns))
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
    const latest: Turns.Latest = { now: 0 }
    return Keyed.makeFamily<RateLimiter, RateLimiterOptions.Options, RateLimiterOptions.Settings>({
      subject: "RateLimiter",
      options,
      decode: RateLimiterOptions.decode,
      build: (key, settings, family) => new KeyLimiter(new Turns.Turns(key, settings, latest), family),
      isIdle: (limiter) => limiter instanceof KeyLimiter && limiter.isIdle(latest.now)
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
