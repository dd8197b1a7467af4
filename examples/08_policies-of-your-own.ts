/**
 * Policies of your own: every policy around one effect, without a relay, and what the stack says of itself.
 *
 * A policy is a function from effect to effect. So a pipe puts them together, the first is the innermost, and the type
 * of the result has every failure that is left.
 */
import { Console, Data, Effect } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  Fallback,
  Hedge,
  Idempotent,
  Policy,
  RateLimiter,
  Retry,
  RetryBudget,
  Timeout
} from "effect-relay"

class NoConnection extends Data.TaggedError("NoConnection")<{}> {}

// a price service: the first connection breaks, the second call hangs, and later it is down
let isDown = false
let reached = 0
const readPrice = Effect.suspend(() => {
  reached++
  if (isDown || reached === 1) return Effect.fail(new NoConnection())
  return reached === 2 ? Effect.never : Effect.succeed(19.9)
})

const program = Effect.gen(function*() {
  const timeout = yield* Timeout.make({ duration: "80 millis" })
  const bulkhead = yield* Bulkhead.make({ maxConcurrent: 4, maxQueued: 4, maxWait: "50 millis" })
  const limiter = yield* RateLimiter.make({ limit: 600, burst: 1 })
  const breaker = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(3), openFor: "10 seconds" })
  const hedge = yield* Hedge.make({ delay: "20 millis" })
  // a reserve of two retries; after that successes have to pay for them
  const budget = yield* RetryBudget.make({ reserve: 1, ttl: "2 seconds" })
  const retry = yield* Retry.make({ schedule: Retry.exponential({ base: "5 millis", times: 3 }), budget })

  const attempt = Policy.compose(timeout.protect, bulkhead.protect, limiter.protect, breaker.protect)
  const stack = Policy.compose(attempt, hedge.protect, Idempotent.mark, retry.protect)
  const remembered = () => Effect.succeed(18.5)

  yield* Console.log(Policy.explain([stack, Fallback.byTag({ CircuitOpen: remembered })]))

  // an open circuit is answered from memory; every other failure stays in the type
  const price: Effect.Effect<
    number,
    NoConnection | Timeout.TimedOut | Bulkhead.BulkheadFull | RateLimiter.RateLimited
  > = readPrice.pipe(stack, Fallback.byTag({ CircuitOpen: remembered }))

  yield* Console.log(`\nprice: ${yield* price}, answered by call ${reached}: one failed, one hung and was hedged`)

  isDown = true
  for (let request = 1; request <= 4; request++) {
    const before = reached
    const outcome = yield* price.pipe(Effect.catch((failure) => Effect.succeed(failure._tag)))
    yield* Console.log(`down, request ${request}: ${outcome}, the service was reached ${reached - before} times`)
  }
  const { extra, won } = yield* hedge.state
  yield* Console.log(
    `extra copies: ${extra}, of which ${won} had the answer; the circuit is ${(yield* breaker.state).state}`
  )
  yield* Console.log("Lesson: order decides what a stack does, and it can be asked before anything runs.")
})

await Effect.runPromise(program)
