/**
 * A response cache at work: what it keeps, what is being asked, and which of the two answers.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as CacheStore from "../machine/CacheStore.ts"
import * as Freshness from "../machine/Freshness.ts"
import * as CacheTally from "./CacheTally.ts"
import type { Answer, Terms } from "./CacheTerms.ts"
import type * as CacheTier from "./CacheTier.ts"
import * as Cutoff from "./Cutoff.ts"
import * as Frozen from "./Frozen.ts"
import * as Now from "./Now.ts"
import type { Settings } from "./ResponseCacheOptions.ts"
import * as SingleFlight from "./SingleFlight.ts"

/** What is kept: an answer, or a failure for a while. */
type Entry =
  | {
    readonly _tag: "Answer"
    readonly value: unknown
    readonly storedAt: number
    readonly took: number
    readonly worth: CacheTally.Worth
  }
  | { readonly _tag: "Failure"; readonly failure: unknown; readonly until: number }

type Known = Extract<Entry, { readonly _tag: "Answer" }>

/** What a call brings: `isAsked` where somebody was asked, and not the store below. */
interface Landed {
  readonly entry: Known
  readonly isAsked: boolean
}

type AnyFiber = Fiber.Fiber<unknown, unknown>

// nobody waits for these, so there are no more
const maxRefreshes = 64

// beside what is kept: its place in the store
const entryBytes = 256

const tagOf = (failure: unknown): string =>
  typeof failure === "object" && failure !== null && "_tag" in failure ? String(failure._tag) : ""

/**
 * The cache. Everything in it is changed in place, in one step each.
 *
 * @category models
 * @since 0.1.0
 */
export class WorkingCache {
  readonly store: CacheStore.CacheStore<Entry>
  readonly #settings: Settings
  readonly #tally: CacheTally.CacheTally
  readonly #tier: CacheTier.CacheTier | undefined
  readonly #calls = SingleFlight.make<Landed, unknown>()
  readonly #retention: number
  #refreshes = 0

  constructor(settings: Settings, tally: CacheTally.CacheTally, tier: CacheTier.CacheTier | undefined) {
    this.store = CacheStore.make({ entries: settings.capacity, bytes: settings.maxBytes })
    this.#settings = settings
    this.#tally = tally
    this.#tier = tier
    this.#retention = Freshness.retention(settings)
  }

  /** The answer to a question, by asking if nobody has it. */
  look<A, E, R>(
    key: string,
    ask: Effect.Effect<A, E, R>,
    terms: Terms<A, E> | undefined
  ): Effect.Effect<Answer<A>, E, R> {
    return Effect.withFiber((fiber: AnyFiber): Effect.Effect<Answer<A>, E, R> => {
      const entry = CacheStore.use(this.store, key)
      if (entry === undefined) return this.#askTogether(key, ask, terms, fiber)
      const now = Now.read(Now.clockOf(fiber))
      const verdict = this.#verdict(entry, now, fiber)
      if (verdict === "Gone" || verdict === "Fallback") return this.#askTogether(key, ask, terms, fiber)
      if (entry._tag === "Failure") {
        this.#tally.hits++
        return Effect.fail(entry.failure as E)
      }
      if (verdict !== "Fresh") this.#refresh(key, entry, ask, terms, fiber, now)
      return Effect.succeed(this.#give(entry, verdict === "Stale"))
    })
  }

  /** The answer to a question if it is there, and fresh. */
  find<A>(key: string, terms: Terms<A> | undefined): Effect.Effect<Answer<A> | undefined> {
    return Effect.withFiber((fiber: AnyFiber): Effect.Effect<Answer<A> | undefined> => {
      const entry = CacheStore.use(this.store, key)
      if (entry?._tag === "Answer" && this.#ageOf(entry, fiber) < this.#settings.timeToLive) {
        return Effect.succeed(this.#give(entry, false))
      }
      return Effect.map(this.#lookBelow(key, terms), (below) => {
        if (below !== undefined) return this.#give<A>(below, false)
        this.#tally.misses++
        return undefined
      })
    })
  }

  /** Keeps an answer that took so many milliseconds, here and below. */
  keep<A>(key: string, value: A, took: number, terms: Terms<A> | undefined): Effect.Effect<Landed> {
    return Effect.withFiber((fiber: AnyFiber): Effect.Effect<Landed> => {
      const landed = { entry: this.#write(key, value, Now.read(Now.clockOf(fiber)), 0, took, terms), isAsked: true }
      const { codec, isKept } = terms ?? {}
      return this.#tier === undefined || codec === undefined || isKept?.(value) === false
        ? Effect.succeed(landed)
        : Effect.as(this.#tier.set(key, codec, { value, took }, this.#retention), landed)
    })
  }

  /** What may be given in place of a failure. */
  standIn<A>(key: string): Effect.Effect<Answer<A> | undefined> {
    return Effect.withFiberSucceed((fiber: AnyFiber) => {
      const entry = this.#standInOf(key, fiber)
      return entry === undefined ? undefined : this.#give<A>(entry, true)
    })
  }

  get clear(): Effect.Effect<void> {
    return Effect.suspend(() => {
      CacheStore.clear(this.store)
      return this.#tier === undefined ? Effect.void : this.#tier.clear
    })
  }

  #ageOf(entry: Known, fiber: AnyFiber): number {
    return Now.read(Now.clockOf(fiber)) - entry.storedAt
  }

  #verdict(entry: Entry, now: number, fiber: AnyFiber): Freshness.Verdict {
    if (entry._tag === "Failure") return now < entry.until ? "Fresh" : "Gone"
    const chance = this.#settings.earlyRefresh === 0 ? 1 : fiber.getRef(Random.Random).nextDoubleUnsafe()
    return Freshness.verdict(this.#settings, now - entry.storedAt, entry.took, chance)
  }

  #give<A>(entry: Known, stale: boolean): Answer<A> {
    if (stale) this.#tally.stale++
    else this.#tally.hits++
    CacheTally.save(this.#tally, entry.worth)
    return { value: entry.value as A, hit: true, stale }
  }

  #write<A>(key: string, value: A, now: number, age: number, took: number, terms: Terms<A> | undefined): Known {
    const bytes = Frozen.freeze(value) + key.length + entryBytes
    const storedAt = now - age
    const entry: Known = { _tag: "Answer", value, storedAt, took, worth: terms?.worth?.(value) ?? CacheTally.nothing }
    if (terms?.isKept?.(value) !== false) {
      CacheStore.keep(this.store, key, entry, bytes, storedAt + this.#retention, now)
    }
    return entry
  }

  /** Keeps a failure whose tag says so. */
  #writeFailure<A, E>(key: string, failure: E, now: number, terms: Terms<A, E> | undefined): void {
    const { failures } = this.#settings
    const tag = tagOf(failure)
    if (!Object.hasOwn(failures, tag) || terms?.isOwn?.(failure) === true) return
    const old = this.store.entries.get(key)?.value
    // an answer that may stand in for a failure is worth more than the failure
    if (old?._tag === "Answer" && now - old.storedAt < this.#retention) return
    const until = now + failures[tag]!
    CacheStore.keep(this.store, key, { _tag: "Failure", failure, until }, key.length + entryBytes, until, now)
  }

  #ask<A, E, R>(key: string, ask: Effect.Effect<A, E, R>, terms: Terms<A, E> | undefined): Effect.Effect<Landed, E, R> {
    return Effect.withFiber((fiber: AnyFiber) => {
      const clock = Now.clockOf(fiber)
      const startedAt = Now.read(clock)
      return Effect.matchEffect(ask, {
        onFailure: (failure) => {
          this.#writeFailure(key, failure, Now.read(clock), terms)
          return Effect.fail(failure)
        },
        onSuccess: (value) => this.keep(key, value, Now.read(clock) - startedAt, terms as Terms<A>)
      })
    })
  }

  /** What the store below has that is fresh. */
  #lookBelow<A>(key: string, terms: Terms<A> | undefined): Effect.Effect<Known | undefined> {
    const codec = terms?.codec
    if (this.#tier === undefined || codec === undefined) return Effect.undefined
    return Effect.flatMap(
      this.#tier.get(key, codec),
      (found) =>
        found === undefined ? Effect.undefined : Effect.map(Now.current, (now) => {
          const entry = this.#write(key, found.value, now, found.age, found.took, terms)
          return found.age < this.#settings.timeToLive ? entry : undefined
        })
    )
  }

  #askTogether<A, E, R>(
    key: string,
    ask: Effect.Effect<A, E, R>,
    terms: Terms<A, E> | undefined,
    fiber: AnyFiber
  ): Effect.Effect<Answer<A>, E, R> {
    const asked = this.#ask(key, ask, terms)
    const call = this.#tier === undefined || terms?.codec === undefined ? asked : Effect.flatMap(
      this.#lookBelow(key, terms as Terms<A>),
      (entry) => entry === undefined ? asked : Effect.succeed({ entry, isAsked: false })
    )
    return SingleFlight.join(this.#calls, key, call, fiber.context as Context.Context<R>, {
      isOwn: (failure) => terms?.isOwn?.(failure as E) === true,
      // whoever waits has what asking takes
      again: Effect.suspend(() => this.look(key, ask, terms)) as Effect.Effect<Answer<A>, E>,
      land: (exit, isJoined) =>
        Effect.suspend(() => this.#land(key, exit as Exit.Exit<Landed, E>, isJoined, terms, fiber))
    })
  }

  #land<A, E>(
    key: string,
    exit: Exit.Exit<Landed, E>,
    isJoined: boolean,
    terms: Terms<A, E> | undefined,
    fiber: AnyFiber
  ): Effect.Effect<Answer<A>, E> {
    if (Exit.isSuccess(exit)) {
      const { entry, isAsked } = exit.value
      if (isJoined) {
        this.#tally.coalesced++
        CacheTally.save(this.#tally, entry.worth)
        return Effect.succeed({ value: entry.value as A, hit: true, stale: false })
      }
      if (!isAsked) return Effect.succeed(this.#give(entry, false))
      this.#tally.misses++
      return Effect.succeed({ value: entry.value as A, hit: false, stale: false })
    }
    const failure = Cause.findError(exit.cause)
    const isExcused = Result.isSuccess(failure) && terms?.isExcused?.(failure.success) !== false
    const entry = isExcused ? this.#standInOf(key, fiber) : undefined
    if (entry !== undefined) return Effect.succeed(this.#give(entry, true))
    if (isJoined) this.#tally.coalesced++
    else this.#tally.misses++
    return Effect.failCause(exit.cause)
  }

  #standInOf(key: string, fiber: AnyFiber): Known | undefined {
    const { staleIfError, timeToLive } = this.#settings
    if (staleIfError === 0) return undefined
    const entry = this.store.entries.get(key)?.value
    return entry?._tag === "Answer" && this.#ageOf(entry, fiber) < timeToLive + staleIfError ? entry : undefined
  }

  #refresh<A, E, R>(
    key: string,
    entry: Known,
    ask: Effect.Effect<A, E, R>,
    terms: Terms<A, E> | undefined,
    fiber: AnyFiber,
    now: number
  ): void {
    if (this.#refreshes >= maxRefreshes || this.#calls.flights.has(key)) return
    this.#refreshes++
    this.#tally.refreshed++
    const context = fiber.context as Context.Context<R>
    // once nobody can be given the old answer any more, who asks waits for a call of their own
    const left = entry.storedAt + this.#retention - now
    const call = Cutoff.run(this.#ask(key, ask, terms), context, Now.clockOf(fiber), now, left, () => undefined)
    const counted = Effect.ensuring(call, Effect.sync(() => this.#refreshes--))
    SingleFlight.ensure(this.#calls, key, counted, context)
  }
}
