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
import * as CacheAsk from "./CacheAsk.ts"
import * as CacheEntry from "./CacheEntry.ts"
import * as CacheTally from "./CacheTally.ts"
import type { Answer, Terms } from "./CacheTerms.ts"
import * as CacheTerms from "./CacheTerms.ts"
import type * as CacheTier from "./CacheTier.ts"
import * as Frozen from "./Frozen.ts"
import * as Now from "./Now.ts"
import type { Settings } from "./ResponseCacheOptions.ts"
import * as SingleFlight from "./SingleFlight.ts"

/** What a call brings: `isAsked` where somebody was asked, and not the store below. */
interface Landed {
  readonly entry: CacheEntry.Known
  readonly isAsked: boolean
}

type AnyFiber = Fiber.Fiber<unknown, unknown>

// nobody waits for these, so there are no more
const maxRefreshes = 64

/**
 * The cache. Everything in it is changed in place, in one step each.
 *
 * @category models
 * @since 0.1.0
 */
export class WorkingCache {
  readonly store: CacheStore.CacheStore<CacheEntry.CacheEntry>
  readonly #settings: Settings
  readonly #tally: CacheTally.CacheTally
  readonly #tier: CacheTier.CacheTier | undefined
  readonly #calls = SingleFlight.make<Landed, unknown>()
  readonly #retention: number
  readonly #refreshing = new Set<string>()
  // a call that began before everything was forgotten is of an older generation, and its answer is not kept
  #generation = 0
  #clearedAt = -Infinity

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
    ask: CacheAsk.CacheAsk<A, E, R>,
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
      const now = Now.read(Now.clockOf(fiber))
      return this.#keep(key, value, now, took, terms, now - took >= this.#clearedAt)
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
    // who asks meanwhile may find below what is about to go
    return Effect.andThen(this.#forget, Effect.ensuring(this.#tier?.clear ?? Effect.void, this.#forget))
  }

  get #forget(): Effect.Effect<void> {
    return Effect.withFiberSucceed((fiber: AnyFiber) => {
      CacheStore.clear(this.store)
      SingleFlight.leave(this.#calls)
      this.#generation++
      this.#clearedAt = Now.read(Now.clockOf(fiber))
    })
  }

  #ageOf(entry: CacheEntry.Known, fiber: AnyFiber): number {
    return Now.read(Now.clockOf(fiber)) - entry.storedAt
  }

  #verdict(entry: CacheEntry.CacheEntry, now: number, fiber: AnyFiber): Freshness.Verdict {
    if (entry._tag === "Failure") return now < entry.until ? "Fresh" : "Gone"
    const chance = this.#settings.earlyRefresh === 0 ? 1 : fiber.getRef(Random.Random).nextDoubleUnsafe()
    return Freshness.verdict(this.#settings, now - entry.storedAt, entry.took, chance)
  }

  #give<A>(entry: CacheEntry.Known, stale: boolean): Answer<A> {
    if (stale) this.#tally.stale++
    else this.#tally.hits++
    CacheTally.save(this.#tally, entry.worth)
    return { value: entry.value as A, hit: true, stale }
  }

  #keep<A>(
    key: string,
    value: A,
    now: number,
    took: number,
    terms: Terms<A> | undefined,
    isCurrent: boolean
  ): Effect.Effect<Landed> {
    const isKept = isCurrent && CacheTerms.keeps(terms, value)
    const landed = { entry: this.#write(key, value, now, 0, took, terms, isKept), isAsked: true }
    const codec = terms?.codec
    return !isKept || this.#tier === undefined || codec === undefined
      ? Effect.succeed(landed)
      : Effect.as(this.#tier.set(key, codec, { value, took }, this.#retention), landed)
  }

  #write<A>(
    key: string,
    value: A,
    now: number,
    age: number,
    took: number,
    terms: Terms<A> | undefined,
    isKept: boolean
  ): CacheEntry.Known {
    const bytes = Frozen.freeze(value) + CacheEntry.bytesBeside(key)
    const storedAt = now - age
    const entry: CacheEntry.Known = { _tag: "Answer", value, storedAt, took, worth: CacheTerms.worthOf(terms, value) }
    if (isKept) CacheStore.keep(this.store, key, entry, bytes, storedAt + this.#retention, now)
    return entry
  }

  /** Keeps a failure whose tag says so. */
  #writeFailure<A, E>(key: string, failure: E, now: number, terms: Terms<A, E> | undefined): void {
    const { failures } = this.#settings
    const tag = CacheEntry.tagOf(failure)
    if (!Object.hasOwn(failures, tag) || !CacheTerms.keepsFailure(terms, failure)) return
    const old = this.store.entries.get(key)?.value
    // an answer that may stand in for a failure is worth more than the failure
    if (old?._tag === "Answer" && now - old.storedAt < this.#retention) return
    const until = now + failures[tag]!
    CacheStore.keep(this.store, key, { _tag: "Failure", failure, until }, CacheEntry.bytesBeside(key), until, now)
  }

  #ask<A, E, R>(key: string, ask: Effect.Effect<A, E, R>, terms: Terms<A, E> | undefined): Effect.Effect<Landed, E, R> {
    return Effect.withFiber((fiber: AnyFiber) => {
      const clock = Now.clockOf(fiber)
      const startedAt = Now.read(clock)
      const generation = this.#generation
      return Effect.matchEffect(ask, {
        onFailure: (failure) => {
          if (generation === this.#generation) this.#writeFailure(key, failure, Now.read(clock), terms)
          return Effect.fail(failure)
        },
        onSuccess: (value) => {
          const now = Now.read(clock)
          return this.#keep(key, value, now, now - startedAt, terms as Terms<A>, generation === this.#generation)
        }
      })
    })
  }

  /** What the store below has that is fresh. */
  #lookBelow<A>(key: string, terms: Terms<A> | undefined): Effect.Effect<CacheEntry.Known | undefined> {
    const tier = this.#tier
    const codec = terms?.codec
    if (tier === undefined || codec === undefined) return Effect.undefined
    return Effect.suspend(() => {
      const generation = this.#generation
      return Effect.flatMap(tier.get(key, codec), (found) => {
        // another version may have kept there what this one does not
        if (found === undefined || !CacheTerms.keeps(terms, found.value)) return Effect.undefined
        return Effect.map(Now.current, (now) => {
          const isCurrent = generation === this.#generation
          const entry = this.#write(key, found.value, now, found.age, found.took, terms, isCurrent)
          return found.age < this.#settings.timeToLive ? entry : undefined
        })
      })
    })
  }

  #askTogether<A, E, R>(
    key: string,
    ask: CacheAsk.CacheAsk<A, E, R>,
    terms: Terms<A, E> | undefined,
    fiber: AnyFiber
  ): Effect.Effect<Answer<A>, E, R> {
    const { call, enter, open } = CacheAsk.gatheringOf(ask)
    const landing = (meeting: unknown): Effect.Effect<Landed, E, R> => {
      const asked = Effect.suspend(() => {
        this.#tally.misses++
        return this.#ask(key, call(meeting), terms)
      })
      return this.#tier === undefined || terms?.codec === undefined ? asked : Effect.flatMap(
        this.#lookBelow(key, terms as Terms<A>),
        (entry) => entry === undefined ? asked : Effect.succeed({ entry, isAsked: false })
      )
    }
    const gathering = { open, enter, call: landing }
    return SingleFlight.join(this.#calls, CacheAsk.flightOf(key, ask), gathering, fiber.context as Context.Context<R>, {
      isOwn: (failure) => CacheTerms.owns(terms, failure as E),
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
      return Effect.succeed(
        isAsked ? { value: entry.value as A, hit: false, stale: false } : this.#give(entry, false)
      )
    }
    const failure = Cause.findError(exit.cause)
    const isExcused = Result.isSuccess(failure) && CacheTerms.excuses(terms, failure.success)
    const entry = isExcused ? this.#standInOf(key, fiber) : undefined
    if (entry !== undefined) {
      // whoever gets something counts once
      if (!isJoined) this.#tally.misses--
      return Effect.succeed(this.#give(entry, true))
    }
    if (isJoined) this.#tally.coalesced++
    return Effect.failCause(exit.cause)
  }

  #standInOf(key: string, fiber: AnyFiber): CacheEntry.Known | undefined {
    const { staleIfError, timeToLive } = this.#settings
    if (staleIfError === 0) return undefined
    const entry = this.store.entries.get(key)?.value
    return entry?._tag === "Answer" && this.#ageOf(entry, fiber) < timeToLive + staleIfError ? entry : undefined
  }

  #refresh<A, E, R>(
    key: string,
    entry: CacheEntry.Known,
    ask: CacheAsk.CacheAsk<A, E, R>,
    terms: Terms<A, E> | undefined,
    fiber: AnyFiber,
    now: number
  ): void {
    const flight = CacheAsk.flightOf(key, ask)
    const refreshing = this.#refreshing
    if (refreshing.has(key) || refreshing.size >= maxRefreshes || this.#calls.flights.has(flight)) return
    const context = fiber.context as Context.Context<R>
    // once nobody can be given the old answer any more, who asks waits for a call of their own
    const left = entry.storedAt + this.#retention - now
    const { call, open } = CacheAsk.gatheringOf(ask)
    const asked = (meeting: unknown): Effect.Effect<Landed, E, R> =>
      Effect.suspend(() => {
        refreshing.add(key)
        this.#tally.refreshed++
        return this.#ask(key, call(meeting), terms)
      }).pipe(Effect.ensuring(Effect.sync(() => refreshing.delete(key))))
    SingleFlight.ensure(this.#calls, flight, { open, call: asked }, context, left)
  }
}
