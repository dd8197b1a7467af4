/** The operations without any policy: as effects in a running fiber, and as awaited promises. */
import * as Effect from "effect/Effect"
import * as Loop from "../Loop.ts"
import * as Operation from "../Operation.ts"

const value = () => Loop.ofEffect(() => Operation.value)
const rejection = () => {
  const failed = Effect.fail(Operation.down)
  return Loop.ofFailure(() => failed)
}

export const effects: Loop.Loops = {
  "raw effect": value,
  "breaker closed": value,
  "breaker rejecting": rejection,
  "bulkhead": value,
  "bulkhead rejecting": rejection,
  "limiter": value,
  "limiter rejecting": rejection,
  "timeout": () => Loop.ofEffect(Operation.promise),
  "retry on success": value,
  "all five": () => Loop.ofEffect(Operation.promise),
  "failure through all five": () => Loop.ofFailure(Operation.failure),
  "relay decision, 1 endpoint": value,
  "relay decision, 100 endpoints": value,
  "relay decision, 10000 endpoints": value
}

const answer = () => Loop.ofPromise(Operation.answer)
const breakDown = () => Loop.ofRejection(Operation.breakDown)

export const promises: Loop.Loops = {
  "raw effect": answer,
  "breaker closed": answer,
  "breaker rejecting": breakDown,
  "bulkhead": answer,
  "bulkhead rejecting": breakDown,
  "timeout": answer,
  "retry on success": answer,
  "all five": answer,
  "failure through all five": breakDown
}
