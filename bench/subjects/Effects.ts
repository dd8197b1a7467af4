/** Effect's own modules, their state in memory. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Answer from "../Answer.ts"
import * as Loop from "../Loop.ts"
import * as Loopback from "../Loopback.ts"
import * as Operation from "../Operation.ts"
import * as StreamTransport from "../StreamTransport.ts"
import * as Caches from "./Caches.ts"

type Policy = <A, E>(self: Effect.Effect<A, E>) => Effect.Effect<A, unknown>

export const makeBreaker = (failures: number): Promise<CircuitBreaker.CircuitBreaker> =>
  Effect.runPromise(
    CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(failures), openDuration: "1 hour" }).pipe(
      Effect.provide(CircuitBreaker.layerStoreMemory()),
      Effect.provideService(Scope.Scope, Scope.makeUnsafe())
    )
  )

export const makeLimiter = (limit: number, window: Duration.Duration): Promise<(key: string) => Policy> =>
  Effect.runPromise(
    Effect.map(
      RateLimiter.makeWithRateLimiter,
      (withRateLimiter) => (key: string): Policy =>
        withRateLimiter({ algorithm: "token-bucket", onExceeded: "fail", key, limit, window })
    ).pipe(Effect.provide(Layer.provide(RateLimiter.layer, RateLimiter.layerStoreMemory)))
  )

const breaker = async (failures = 5): Promise<Policy> => {
  const { execute } = await makeBreaker(failures)
  const key = { key: "default" }
  return (self) => execute(self, key)
}
const bulkhead = async (): Promise<Policy> => Semaphore.makeUnsafe(20).withPermit
const limiter = async (): Promise<Policy> => (await makeLimiter(1_000_000_000, Duration.seconds(1)))("default")
const timeout = async (): Promise<Policy> => Effect.timeout(Duration.seconds(30))
const retry = async (times = 4): Promise<Policy> => {
  const schedule = Schedule.exponential("100 millis").pipe(Schedule.jittered, Schedule.upTo({ times }))
  return (self) => Effect.retry(self, schedule)
}

const five = async (failures: number, retries: number): Promise<Policy> => {
  const [again, line, circuit, slots, limit] = await Promise.all([
    retry(retries),
    limiter(),
    breaker(failures),
    bulkhead(),
    timeout()
  ])
  return (self) => again(line(circuit(slots(limit(self)))))
}

const passing = async (make: Promise<Policy>, operation: () => Effect.Effect<unknown>) => {
  const policy = await make
  return Loop.ofEffect(() => policy(operation()))
}

const streamed = async (): Promise<Loop.Read> => {
  const client = await Effect.runPromise(Effect.provide(HttpClient.HttpClient, FetchHttpClient.layer))
  return StreamTransport.readBy(client, await Loopback.serve("StreamProcess.ts"))
}

const value = () => Operation.value

export const loops: Loop.Loops = {
  "raw effect": () => Loop.ofEffect(value),
  "breaker closed": () => passing(breaker(), value),
  "breaker rejecting": async () => {
    const open = await breaker(1)
    await Effect.runPromise(Effect.ignore(open(Effect.fail("down"))))
    return Loop.ofFailure(() => open(Operation.value))
  },
  "bulkhead": () => passing(bulkhead(), value),
  "limiter": () => passing(limiter(), value),
  "limiter rejecting": async () => {
    const spent = (await makeLimiter(1, Duration.hours(1)))("default")
    await Effect.runPromise(spent(Effect.void))
    return Loop.ofFailure(() => spent(Operation.value))
  },
  "timeout": () => passing(timeout(), Operation.promise),
  "retry on success": () => passing(retry(), value),
  "all five": () => passing(five(5, 4), Operation.promise),
  "failure through all five": async () => {
    const policy = await five(Number.MAX_SAFE_INTEGER, 0)
    return Loop.ofFailure(() => policy(Operation.failure()))
  },
  ...Caches.effects,
  "relay stream over loopback, a chunk": async () => Loop.ofChunks(await streamed()),
  "relay stream over loopback, first token": async () => Loop.ofFirstChunks(await streamed(), Answer.short)
}
