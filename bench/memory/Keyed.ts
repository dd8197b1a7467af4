/** One policy a key, used once each: by name where a library knows keys, in a `Map` where it does not. */
import { bulkhead, circuitBreaker, ConsecutiveBreaker, handleAll, type IPolicy } from "cockatiel"
import { Bulkhead, CircuitBreaker, RateLimiter } from "effect-relay"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Operation from "../Operation.ts"
import * as Effects from "../subjects/Effects.ts"
import * as Opossum from "../subjects/Opossum.ts"

export const policies = ["breaker", "bulkhead", "limiter"] as const
export type Policy = (typeof policies)[number]

export const libraries = ["ours", "cockatiel", "opossum", "effect"] as const
export type Library = (typeof libraries)[number]

/** What each library puts around a key; opossum's breaker is its bulkhead too. */
export const setOf: Record<Library, ReadonlyArray<Policy>> = {
  ours: policies,
  cockatiel: ["breaker", "bulkhead"],
  opossum: ["bulkhead"],
  effect: policies
}

/** Makes one call under this key. */
export type Use = (key: string) => Promise<unknown>

const kept = <A>(make: () => A, call: (policy: A) => Promise<unknown>): Use => {
  const policies = new Map<string, A>()
  return (key) => {
    let policy = policies.get(key)
    if (policy === undefined) policies.set(key, policy = make())
    return call(policy)
  }
}

const ours = (
  make: Effect.Effect<{
    readonly at: (key: string) => { readonly protect: (self: Effect.Effect<number>) => Effect.Effect<number, unknown> }
  }, unknown>
) =>
async (): Promise<Use> => {
  const policy = await Effect.runPromise(make)
  return (key) => Effect.runPromise(policy.at(key).protect(Operation.value))
}

const cockatiel = (make: () => IPolicy) => () => kept(make, (policy) => policy.execute(Operation.answer))

const limits = { limit: 600, window: Duration.minutes(1) }

/** `maxKeys` is for this library alone: nobody else has a bound. */
export const make = (maxKeys: number | undefined): Record<
  Policy,
  { readonly [Name in Library]?: () => Promise<Use> | Use }
> => ({
  breaker: {
    ours: ours(CircuitBreaker.make({ maxKeys })),
    cockatiel: cockatiel(() =>
      circuitBreaker(handleAll, { halfOpenAfter: 30_000, breaker: new ConsecutiveBreaker(5) })
    ),
    opossum: () => kept(() => Opossum.make(Operation.answer), (breaker) => breaker.fire()),
    effect: async () => {
      const breaker = await Effects.makeBreaker(5)
      return (key) => Effect.runPromise(breaker.execute(Operation.value, { key }))
    }
  },
  bulkhead: {
    ours: ours(Bulkhead.make({ maxKeys })),
    cockatiel: cockatiel(() => bulkhead(20, 20)),
    opossum: () => kept(() => Opossum.make(Operation.answer, { capacity: 20 }), (breaker) => breaker.fire()),
    effect: () =>
      kept(() => Semaphore.makeUnsafe(20), (semaphore) => Effect.runPromise(semaphore.withPermit(Operation.value)))
  },
  limiter: {
    ours: ours(RateLimiter.make({ maxKeys, ...limits })),
    effect: async () => {
      const policyOf = await Effects.makeLimiter(limits.limit, limits.window)
      return (key) => Effect.runPromise(policyOf(key)(Operation.value))
    }
  }
})
