/**
 * Bounds how many calls run at once, so that one slow dependency cannot take
 * every fiber, socket and byte of the program with it.
 *
 * Source: M. Nygard, "Release It!" (2007).
 *
 * @since 0.1.0
 */
import type * as Config from "effect/Config"
import { unwrap } from "effect/Config"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as WaitList from "../machine/WaitList.ts"
import * as Attempt from "./Attempt.ts"
import * as Configuration from "./Configuration.ts"
import * as Keyed from "./Keyed.ts"
import * as Rejection from "./Rejection.ts"

/**
 * The call was not made: every slot and every place in the queue is taken, or
 * its wait was over before its turn came.
 *
 * @category errors
 * @since 0.1.0
 */
export class BulkheadFull extends Schema.TaggedError<BulkheadFull>()("BulkheadFull", {
  /** Which bulkhead. */
  key: Schema.String,
  reason: Schema.Literals(["Full", "WaitedTooLong"]),
  maxConcurrent: Schema.Int,
  maxQueued: Schema.Int,
  attempts: Attempt.attempts
}) {
  override get message(): string {
    return this.reason === "Full"
      ? `bulkhead "${this.key}" is full: ${this.maxConcurrent} running, ${this.maxQueued} allowed to wait`
      : `bulkhead "${this.key}" had no free slot in time: ${this.maxConcurrent} may run at once`
  }
}

/**
 * The options of a bulkhead; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How many calls run at once, from 1 up; a list has one number a tier, the last for every tier after it. */
  readonly maxConcurrent?: number | ReadonlyArray<number> | undefined
  /** How many calls may wait for a slot, from 0 up. */
  readonly maxQueued?: number | undefined
  /** How long a call may wait for its slot. */
  readonly maxWait?: Duration.Input | undefined
  /** Which number of a list holds, from 0 up. */
  readonly tier?: number | undefined
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
  maxConcurrent: [20, 15, 10],
  maxQueued: 20,
  maxWait: "5 seconds",
  tier: 0,
  maxKeys: 10_000
} as const satisfies Required<Options>

const Settings = Schema.Struct({
  maxConcurrent: Configuration.field(
    (value): value is number | ReadonlyArray<number> =>
      Array.isArray(value)
        ? value.length > 0 && value.every((limit) => Configuration.isInteger(limit, 1))
        : Configuration.isInteger(value, 1),
    "it has to be a whole number from 1 up, or a list of them, one a tier"
  ),
  maxQueued: Configuration.integer(0),
  maxWait: Configuration.durationOrZero,
  tier: Configuration.integer(0),
  maxKeys: Configuration.integer(1)
})

/**
 * What a bulkhead shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export const Snapshot = Schema.Struct({
  key: Schema.String,
  running: Schema.Int,
  queued: Schema.Int,
  maxConcurrent: Schema.Int,
  maxQueued: Schema.Int
})

/**
 * What a bulkhead shows of itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Snapshot = typeof Snapshot.Type

/**
 * A bulkhead for its own key, and one for every key of `at`.
 *
 * The `Unsafe` members decide synchronously; they are for code that asks several
 * policies in one step, as the relay does. Whoever takes a slot gives it back, once.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bulkhead extends Keyed.Family<Bulkhead, Options, Snapshot> {
  readonly key: string
  /**
   * Runs an effect in a slot, waiting for one first come, first served. The slot
   * is held until the effect's finalizers have run; an interrupted call gives
   * back its slot or its place before the interrupt returns.
   */
  readonly protect: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | BulkheadFull, R>
  readonly state: Effect.Effect<Snapshot>
  /** Nothing to forget: calls that run keep their slots, calls that wait their places. */
  readonly reset: Effect.Effect<void>
  /** Whether a slot is free and nobody waits for it. */
  readonly hasRoomUnsafe: () => boolean
  /** Takes a slot if `hasRoomUnsafe`. */
  readonly takeUnsafe: () => boolean
  readonly releaseUnsafe: () => void
  readonly refusalUnsafe: (reason: BulkheadFull["reason"]) => BulkheadFull
  /**
   * Waits in the queue for a slot. `onSlot` is called in the step that takes it;
   * from then on it is the caller's to give back.
   */
  readonly awaitSlot: (onSlot: () => void) => Effect.Effect<void, BulkheadFull>
  readonly snapshotUnsafe: () => Snapshot
}

/**
 * The service that a relay, or your own code, asks for.
 *
 * @category services
 * @since 0.1.0
 */
export const Bulkhead: Context.Service<Bulkhead, Bulkhead> = Context.Service<Bulkhead>(
  "effect-relay/policy/Bulkhead"
)

type Turn = () => void

const build = (
  key: string,
  settings: typeof Settings.Type,
  family: Keyed.Family<Bulkhead, Options, Snapshot>
): Bulkhead => {
  const limits = settings.maxConcurrent
  const maxConcurrent = typeof limits === "number" ? limits : limits[Math.min(settings.tier, limits.length - 1)]!
  const { maxQueued, maxWait } = settings
  const queue = WaitList.make<Turn>()
  let running = 0
  let freed = 0
  let isServing = false

  const refuse = (reason: BulkheadFull["reason"]): BulkheadFull =>
    Rejection.make(BulkheadFull, { key, reason, maxConcurrent, maxQueued, attempts: Attempt.none })

  const hasRoom = (): boolean => running < maxConcurrent && queue.size === 0

  const take = (): boolean => {
    if (!hasRoom()) return false
    running++
    return true
  }

  // a slot passes straight to who waits for it: no newcomer can take it in between;
  // who is served may end and release at once, so a long line is served in a loop, not in a recursion
  const release = (): void => {
    freed++
    if (isServing) return
    isServing = true
    try {
      while (freed > 0) {
        freed--
        const turn = WaitList.serve(queue)
        if (turn === undefined) running--
        else turn()
      }
    } finally {
      isServing = false
    }
  }

  const awaitSlot = (onSlot: () => void): Effect.Effect<void, BulkheadFull> =>
    Effect.suspend(() => {
      let served = false
      let wake: (() => void) | undefined
      let place: WaitList.Place<Turn> | undefined
      const turn = Effect.callback<void>((resume) => {
        if (served) resume(Effect.void)
        else wake = () => resume(Effect.void)
      })
      // the finalizer stands before the place is taken: no interrupt can fall between the two
      return Effect.onExitPrimitive(
        Effect.suspend((): Effect.Effect<void, BulkheadFull> => {
          // a slot may have come free since it was last asked for
          if (take()) {
            onSlot()
            return Effect.void
          }
          if (queue.size >= maxQueued) return Effect.fail(refuse("Full"))
          place = WaitList.enter(queue, () => {
            served = true
            onSlot()
            wake?.()
          })
          return Effect.timeoutOrElse(turn, {
            duration: maxWait,
            orElse: () => served ? Effect.void : Effect.fail(refuse("WaitedTooLong"))
          })
        }),
        () => {
          if (place !== undefined) WaitList.leave(place)
          return undefined
        }
      )
    })

  const protect = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | BulkheadFull, R> =>
    Effect.suspend(() => {
      let holds = false
      const hold = (): void => {
        holds = true
      }
      // the finalizer stands before anything is held: no interrupt can fall between the two
      return Effect.onExitPrimitive(
        Effect.suspend((): Effect.Effect<A, E | BulkheadFull, R> => {
          holds = take()
          return holds ? self : Effect.flatMap(awaitSlot(hold), () => self)
        }),
        () => {
          if (holds) release()
          return undefined
        }
      )
    })

  const snapshotUnsafe = (): Snapshot => ({ key, running, queued: queue.size, maxConcurrent, maxQueued })

  return {
    ...family,
    key,
    protect,
    state: Effect.sync(snapshotUnsafe),
    reset: Effect.void,
    hasRoomUnsafe: hasRoom,
    takeUnsafe: take,
    releaseUnsafe: release,
    refusalUnsafe: refuse,
    awaitSlot,
    snapshotUnsafe
  }
}

const decode = (options: Options | undefined) => Configuration.decode("Bulkhead", Settings, options, defaults)

/**
 * A bulkhead for code of your own.
 *
 * Fails with `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Bulkhead } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const bulkhead = yield* Bulkhead.make({ maxConcurrent: 2, maxQueued: 0 })
 *   const call = Effect.as(Effect.sleep("20 millis"), "done").pipe(
 *     bulkhead.protect,
 *     Effect.catchTag("BulkheadFull", (full) => Effect.succeed(full.message))
 *   )
 *   return yield* Effect.all([call, call, call], { concurrency: "unbounded" })
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: Options): Effect.Effect<Bulkhead, Configuration.InvalidConfiguration> =>
  Keyed.makeFamily<Bulkhead, Options, typeof Settings.Type>({
    subject: "Bulkhead",
    options,
    decode,
    build,
    isIdle: (bulkhead) => {
      const { queued, running } = bulkhead.snapshotUnsafe()
      return running === 0 && queued === 0
    }
  })

/**
 * The service, with these options for every key.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: Options): Layer.Layer<Bulkhead, Configuration.InvalidConfiguration> =>
  Layer.effect(Bulkhead, make(options))

/**
 * The service, with options read from the configuration of the environment.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (
  options: Config.Wrap<Options>
): Layer.Layer<Bulkhead, Configuration.InvalidConfiguration | Config.ConfigError> =>
  Layer.effect(Bulkhead, Effect.flatMap(unwrap(options), make))
