/**
 * Open circuit: an effect of your own behind a circuit breaker, without a relay.
 *
 * After three failures in a row the circuit opens. From then on calls are refused at once, with the time to come back,
 * and the service is left alone until that time is over.
 */
import { Console, Data, Effect } from "effect"
import { CircuitBreaker } from "effect-relay"

class StoreDown extends Data.TaggedError("StoreDown")<{}> {}

let isUp = false
let reached = 0

// a service of yours: anything that is an effect
const readStock = Effect.suspend(() => {
  reached++
  return isUp ? Effect.succeed(7) : Effect.fail(new StoreDown())
})

const program = Effect.gen(function*() {
  const breaker = yield* CircuitBreaker.make({
    tripPolicy: CircuitBreaker.consecutive(3),
    openFor: "300 millis",
    successesToClose: 1
  })

  // the breaker adds one failure to those of the effect, and the type says so
  const guarded: Effect.Effect<number, StoreDown | CircuitBreaker.CircuitOpen> = readStock.pipe(breaker.protect)

  for (let call = 1; call <= 4; call++) {
    const failure = yield* Effect.flip(guarded)
    yield* Console.log(`call ${call}: ${failure._tag}; the store was reached ${reached} times`)
  }
  const { retryAfter, state } = yield* breaker.state
  yield* Console.log(`the circuit is ${state}; a call may pass in ${retryAfter} ms`)

  // a refusal carries that time, so nobody has to guess
  isUp = true
  const stock = yield* guarded.pipe(
    Effect.catchTag("CircuitOpen", ({ retryAfter }) => Effect.delay(guarded, retryAfter ?? "1 second"))
  )
  yield* Console.log(`stock: ${stock}; the circuit is ${(yield* breaker.state).state}`)
  yield* Console.log("Lesson: while a circuit is open nobody is called, and each refusal says when to come back.")
})

await Effect.runPromise(program)
