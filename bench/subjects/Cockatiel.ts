/** cockatiel; its timeout in the form that stops waiting, as the others do. */
import {
  bulkhead,
  circuitBreaker,
  ConsecutiveBreaker,
  ExponentialBackoff,
  handleAll,
  type IPolicy,
  retry,
  timeout,
  TimeoutStrategy,
  wrap
} from "cockatiel"
import * as Loop from "../Loop.ts"
import * as Operation from "../Operation.ts"

const breaker = (failures: number) =>
  circuitBreaker(handleAll, { halfOpenAfter: 3_600_000, breaker: new ConsecutiveBreaker(failures) })
const slots = () => bulkhead(20, 20)
const limit = () => timeout(30_000, TimeoutStrategy.Aggressive)
const again = (maxAttempts: number) => retry(handleAll, { maxAttempts, backoff: new ExponentialBackoff() })

export const fourOf = (failures: number, retries: number) => wrap(again(retries), breaker(failures), slots(), limit())

const passing = (policy: IPolicy) => Loop.ofPromise(() => policy.execute(Operation.answer))

export const loops: Loop.Loops = {
  "breaker closed": () => passing(breaker(5)),
  "breaker rejecting": async () => {
    const open = breaker(1)
    await open.execute(Operation.breakDown).catch(() => {})
    return Loop.ofRejection(() => open.execute(Operation.answer))
  },
  "bulkhead": () => passing(slots()),
  "bulkhead rejecting": () => {
    const full = bulkhead(1, 0)
    void full.execute(() => new Promise(() => {}))
    return Loop.ofRejection(() => full.execute(Operation.answer))
  },
  "timeout": () => passing(limit()),
  "retry on success": () => passing(again(4)),
  "all five": () => passing(fourOf(5, 4)),
  "failure through all five": () => {
    const policy = fourOf(Number.MAX_SAFE_INTEGER, 0)
    return Loop.ofRejection(() => policy.execute(Operation.breakDown))
  }
}
