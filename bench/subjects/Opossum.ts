/** opossum, which is one breaker with a capacity and a timeout; without what only its own statistics need. */
import CircuitBreaker from "opossum"
import * as Loop from "../Loop.ts"
import * as Operation from "../Operation.ts"

const bare = { timeout: false, rollingPercentilesEnabled: false, enableSnapshots: false } as const

export const make = (action: () => Promise<number>, options?: CircuitBreaker.Options): CircuitBreaker<[], number> =>
  new CircuitBreaker(action, { ...bare, ...options })

const passing = (options?: CircuitBreaker.Options): Loop.Loop => {
  const breaker = make(Operation.answer, options)
  return Loop.ofPromise(() => breaker.fire())
}

export const loops: Loop.Loops = {
  "breaker closed": () => passing(),
  "breaker rejecting": () => {
    const breaker = make(Operation.answer, { resetTimeout: 3_600_000 })
    breaker.open()
    return Loop.ofRejection(() => breaker.fire())
  },
  "bulkhead": () => passing({ capacity: 20 }),
  "bulkhead rejecting": async () => {
    const breaker = make(Operation.answer, { capacity: 0, errorFilter: () => true })
    return Loop.ofRejection(() => breaker.fire())
  },
  "timeout": () => passing({ timeout: 30_000 }),
  "all five": () => passing({ capacity: 20, timeout: 30_000 }),
  "failure through all five": () => {
    // a percentage above a hundred is never reached
    const breaker = make(Operation.breakDown, { capacity: 20, timeout: 30_000, errorThresholdPercentage: 101 })
    return Loop.ofRejection(() => breaker.fire())
  }
}
