/**
 * A store that many processes share, below the cache that each has for itself.
 *
 * It is an aid and no condition: one that fails, is slow, or holds what nobody can read is as good as empty. Whoever looks
 * into it waits for a bounded time, whatever it does, and whoever writes does not wait.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Persistence from "effect/persistence/Persistence"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Now from "./Now.ts"

/**
 * What became of a store that was asked for something.
 *
 * @category models
 * @since 0.1.0
 */
export interface StoreFailure {
  readonly operation: "get" | "set" | "clear"
  /**
   * - `Failed`: the store said so, or broke
   * - `Late`: it took longer than it may
   * - `Busy`: too many operations are under way, so it was not asked
   * - `Unreadable`: it has something else than an answer
   */
  readonly because: "Failed" | "Late" | "Busy" | "Unreadable"
}

/**
 * An answer as the store has it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stored<A> {
  readonly value: A
  /** Milliseconds since it was given, by the wall clocks of both: those are all that processes have in common. */
  readonly age: number
  /** How long it took to be given, in milliseconds. */
  readonly took: number
}

/**
 * How a value crosses into the store, and back.
 *
 * @category models
 * @since 0.1.0
 */
export type Codec<A> = Schema.Codec<A, unknown>

/**
 * The store, for one cache.
 *
 * @category models
 * @since 0.1.0
 */
export interface CacheTier {
  readonly get: <A>(key: string, codec: Codec<A>) => Effect.Effect<Stored<A> | undefined>
  /** Begins to write it for so many milliseconds, and does not wait. */
  readonly set: <A>(
    key: string,
    codec: Codec<A>,
    stored: { readonly value: A; readonly took: number },
    retention: number
  ) => Effect.Effect<void>
  readonly clear: Effect.Effect<void>
}

const Record = Schema.Struct({ at: Schema.Finite, took: Schema.Finite, value: Schema.Unknown })

const decodeRecord = Schema.decodeUnknownResult(Record)

// operations that hang may be as many, after that nobody asks
const maxPending = 64

// so long it is left alone after it failed
const pause = 1000

/**
 * A store that is being opened, for as long as the scope lasts. One that could not be opened is tried again by whoever asks
 * for it next.
 *
 * @category constructors
 * @since 0.1.0
 */
export const open = (
  { make }: Persistence.BackingPersistence["Service"],
  storeId: string
): Effect.Effect<Effect.Effect<Persistence.BackingPersistenceStore>, never, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) => {
    // what an attempt that failed has taken is back at once
    const attempt = Effect.flatMap(
      Scope.fork(scope),
      (own) =>
        Effect.onError(
          Scope.provide(Effect.suspend(() => make(storeId)), own),
          (cause) => Scope.close(own, Exit.failCause(cause))
        )
    )
    let opening: Fiber.Fiber<Persistence.BackingPersistenceStore> | undefined
    const begin = Effect.map(Effect.forkIn(attempt, scope, { startImmediately: true }), (fiber) => (opening = fiber))
    const opened = Effect.suspend(() => {
      const exit = opening?.pollUnsafe()
      if (exit !== undefined && Exit.isSuccess(exit)) return exit
      return Effect.flatMap(
        opening === undefined || exit !== undefined ? begin : Effect.succeed(opening),
        (fiber) => Fiber.join(fiber)
      )
    })
    return Effect.as(begin, opened)
  })

/**
 * A store behind a bound of so many milliseconds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  opened: Effect.Effect<Persistence.BackingPersistenceStore>,
  timeout: number,
  tell: (failure: StoreFailure) => void
): CacheTier => {
  let pending = 0
  let pausedUntil = -Infinity

  /** What an operation brings, unless it fails or takes too long. It may hang: then it is left behind. */
  const within = <A>(
    operation: StoreFailure["operation"],
    self: Effect.Effect<A, unknown>
  ): Effect.Effect<A | undefined> =>
    Effect.withFiber((fiber) => {
      const clock: Clock.Clock = Now.clockOf(fiber)
      const { context } = fiber
      if (Now.read(clock) < pausedUntil) return Effect.undefined
      const fail = (because: StoreFailure["because"]): undefined => {
        pausedUntil = Now.read(clock) + pause
        tell({ operation, because })
        return undefined
      }
      if (pending >= maxPending) return Effect.sync(() => fail("Busy"))
      return Effect.callback<A | undefined>((resume) => {
        const call = Effect.runForkWith(context)(self)
        const settle = (exit: Exit.Exit<A, unknown>) =>
          resume(Exit.isSuccess(exit) ? Effect.succeed(exit.value) : Effect.sync(() => fail("Failed")))
        const exit = call.pollUnsafe()
        if (exit !== undefined) return settle(exit)
        pending++
        let isLate = false
        const timer = Effect.runForkWith(context)(clock.sleep(Duration.millis(timeout)))
        call.addObserver((exit) => {
          pending--
          timer.interruptUnsafe()
          if (!isLate) settle(exit)
        })
        timer.addObserver((exit) => {
          if (Exit.isFailure(exit)) return
          isLate = true
          call.interruptUnsafe()
          resume(Effect.sync(() => fail("Late")))
        })
        return Effect.sync(() => {
          isLate = true
          timer.interruptUnsafe()
          call.interruptUnsafe()
        })
      })
    })

  return {
    get: (key, codec) => {
      const decode = Schema.decodeUnknownResult(codec)
      return Effect.flatMap(
        within("get", Effect.flatMap(opened, (store) => store.get(key))),
        (found) =>
          found === undefined ? Effect.undefined : Effect.clockWith((clock) => {
            const record = decodeRecord(found)
            const value = Result.flatMap(record, ({ value }) => decode(value))
            if (Result.isFailure(record) || Result.isFailure(value)) {
              tell({ operation: "get", because: "Unreadable" })
              return Effect.undefined
            }
            const { at, took } = record.success
            const age = clock.currentTimeMillisUnsafe() - at
            // nobody can say how old it is that another wall clock puts into the future
            return age < 0 ? Effect.undefined : Effect.succeed({ value: value.success, age, took })
          })
      )
    },
    set: (key, codec, { took, value }, retention) =>
      Effect.clockWith((clock) => {
        const encoded = Schema.encodeUnknownResult(codec)(value)
        if (Result.isFailure(encoded)) return Effect.sync(() => tell({ operation: "set", because: "Unreadable" }))
        const record = { at: clock.currentTimeMillisUnsafe(), took, value: encoded.success }
        const write = within(
          "set",
          Effect.flatMap(opened, (store) => store.set(key, record, Duration.millis(retention)))
        )
        return Effect.asVoid(Effect.forkDetach(write, { startImmediately: true }))
      }),
    clear: Effect.asVoid(within("clear", Effect.flatMap(opened, (store) => store.clear)))
  }
}
