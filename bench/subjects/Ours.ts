/** This library, by the public API and with its defaults where they let every call pass. */
import { Bulkhead, CircuitBreaker, RateLimiter, Retry, Timeout } from "effect-relay"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Answer from "../Answer.ts"
import * as Loop from "../Loop.ts"
import * as Operation from "../Operation.ts"
import * as Relay from "../Relay.ts"
import * as Caches from "./Caches.ts"

type Policy = <A, E>(self: Effect.Effect<A, E>) => Effect.Effect<A, unknown>

const limits = { limit: 1_000_000_000, window: "1 second" } as const

const breaker = Effect.map(CircuitBreaker.make(), ({ protect }): Policy => protect)
const bulkhead = Effect.map(Bulkhead.make({ maxConcurrent: 20 }), ({ protect }): Policy => protect)
const limiter = Effect.map(RateLimiter.make(limits), ({ protect }): Policy => protect)
const timeout = Effect.map(Timeout.make({ duration: "30 seconds" }), ({ protect }): Policy => protect)
const retry = Effect.map(Retry.make(), ({ protect }): Policy => protect)

// the failures of this one open nothing and are not tried again
const deafBreaker = Effect.map(
  CircuitBreaker.make({ tripPolicy: CircuitBreaker.failureRate({ evidence: Number.MAX_SAFE_INTEGER }) }),
  ({ protect }): Policy => protect
)
const noRetry = Effect.map(Retry.make({ schedule: Retry.none }), ({ protect }): Policy => protect)

/** Outermost first: retry, limiter, breaker, bulkhead, timeout. */
const five = (
  breaker: Effect.Effect<Policy, unknown>,
  retry: Effect.Effect<Policy, unknown>
): Promise<Policy> =>
  Effect.runPromise(Effect.gen(function*() {
    const [again, line, circuit, slots, limit] = yield* Effect.all([retry, limiter, breaker, bulkhead, timeout])
    return (self) => again(line(circuit(slots(limit(self)))))
  }))

const one = async (make: Effect.Effect<Policy, unknown>, operation: () => Effect.Effect<unknown>) => {
  const policy = await Effect.runPromise(make)
  return Loop.ofEffect(() => policy(operation()))
}

const onePrebuilt = async (make: Effect.Effect<Policy, unknown>) => {
  const policy = await Effect.runPromise(make)
  const call = policy(Operation.value)
  return Loop.ofEffect(() => call)
}

const value = () => Operation.value

const openBreaker = Effect.gen(function*() {
  const breaker = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(1), openFor: "1 hour" })
  yield* Effect.ignore(breaker.protect(Effect.fail("down")))
  return breaker
})

const fullBulkhead = Effect.gen(function*() {
  const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueued: 0 })
  yield* Effect.forkDetach(bulkhead.protect(Effect.never), { startImmediately: true })
  return bulkhead
})

const spentLimiter = Effect.gen(function*() {
  const limiter = yield* RateLimiter.make({ limit: 1, window: "1 hour" })
  yield* limiter.protect(Effect.void)
  return limiter
})

const rejecting = async (make: Effect.Effect<{ readonly protect: Policy }, unknown>) => {
  const { protect } = await Effect.runPromise(make)
  return Loop.ofFailure(() => protect(Operation.value))
}

export const protect: Loop.Loops = {
  // what two processes differ by that do the same
  "raw effect": () => Loop.ofEffect(value),
  "breaker closed": () => one(breaker, value),
  "breaker rejecting": () => rejecting(openBreaker),
  "bulkhead": () => one(bulkhead, value),
  "bulkhead rejecting": () => rejecting(fullBulkhead),
  "limiter": () => one(limiter, value),
  "limiter rejecting": () => rejecting(spentLimiter),
  "timeout": () => one(timeout, Operation.promise),
  "retry on success": () => one(retry, value),
  "all five": async () => {
    const policy = await five(breaker, retry)
    return Loop.ofEffect(() => policy(Operation.promise()))
  },
  "failure through all five": async () => {
    const policy = await five(deafBreaker, noRetry)
    return Loop.ofFailure(() => policy(Operation.failure()))
  },
  ...Caches.ours,
  "relay decision, 1 endpoint": () => Relay.decision(1),
  "relay decision, 10 endpoints": () => Relay.decision(10),
  "relay decision, 100 endpoints": () => Relay.decision(100),
  "relay decision, 1000 endpoints": () => Relay.decision(1000),
  "relay decision, 10000 endpoints": () => Relay.decision(10_000),
  "relay chat in memory, 1 endpoint": () => Relay.chatInMemory(1),
  "relay chat in memory, 10 endpoints": () => Relay.chatInMemory(10),
  "relay chat in memory, 100 endpoints": () => Relay.chatInMemory(100),
  "relay chat in memory, 1000 endpoints": () => Relay.chatInMemory(1000),
  "relay chat in memory, 10000 endpoints": () => Relay.chatInMemory(10_000),
  "relay chat over loopback": Relay.chatOverLoopback,
  "relay stream in memory, a chunk": async () => Loop.ofChunks(await Relay.streamInMemory()),
  "relay stream over loopback, a chunk": async () => Loop.ofChunks(await Relay.streamOverLoopback()),
  "relay stream over loopback, first token": async () =>
    Loop.ofFirstChunks(await Relay.streamOverLoopback(), Answer.short)
}

/** The guarded effect is built once and run at each call. */
export const prebuilt: Loop.Loops = {
  "breaker closed": () => onePrebuilt(breaker),
  "bulkhead": () => onePrebuilt(bulkhead),
  "limiter": () => onePrebuilt(limiter),
  "retry on success": () => onePrebuilt(retry),
  "all five": async () => {
    const policy = await five(breaker, retry)
    const call = policy(Operation.promise())
    return Loop.ofEffect(() => call)
  }
}

/** The decision and its error alone, outside of any fiber and without an `Effect.exit` around. */
export const alone: Loop.Loops = {
  ...Caches.alone,
  "breaker rejecting": async () => {
    const breaker = await Effect.runPromise(openBreaker)
    const now = Number(await Effect.runPromise(Clock.monotonicTimeNanos)) / 1_000_000
    return Loop.ofFunction(() => breaker.admitUnsafe(now))
  },
  "bulkhead rejecting": async () => {
    const bulkhead = await Effect.runPromise(fullBulkhead)
    return Loop.ofFunction(() => bulkhead.hasRoomUnsafe() ? undefined : bulkhead.refusalUnsafe("Full"))
  },
  "limiter rejecting": async () => {
    const limiter = await Effect.runPromise(spentLimiter)
    const now = Number(await Effect.runPromise(Clock.monotonicTimeNanos)) / 1_000_000
    const cost = { calls: 1, tokens: 0 }
    return Loop.ofFunction(() => {
      const wait = limiter.waitUnsafe(cost, now)
      return wait === 0 ? undefined : limiter.refusalUnsafe(wait)
    })
  }
}
