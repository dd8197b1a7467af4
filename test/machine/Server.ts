/**
 * A service of known capacity, kept as busy as a limit allows: the more calls beyond its capacity, the
 * longer each takes, and above a point it turns calls away.
 */
import * as ConcurrencyLimit from "../../src/machine/ConcurrencyLimit.ts"

export interface Server {
  /** How many calls it works on at once … */
  readonly capacity: number
  /** … each of which takes so many milliseconds, alone. */
  readonly work: number
  /** With more calls than this it turns a newcomer away at once. */
  readonly patience: number
}

interface Running {
  readonly startedAt: number
  readonly endsAt: number
  readonly isDropped: boolean
}

/** The mean limit over the second half of so many calls. */
export const meanLimit = <Rule extends ConcurrencyLimit.Bounds, State extends ConcurrencyLimit.Learned>(
  machine: ConcurrencyLimit.ConcurrencyLimit<Rule, State>,
  rule: Rule,
  { capacity, patience, work }: Server,
  calls = 20_000
): number => {
  const state = machine.make(rule.min)
  let running: Array<Running> = []
  let now = 0
  let sum = 0
  for (let call = 0; call < calls; call++) {
    while (running.length < ConcurrencyLimit.whole(state)) {
      const isDropped = running.filter((other) => !other.isDropped).length >= patience
      // no two calls are quite alike
      const alone = work * (0.9 + 0.2 * ((call * 7919 + running.length * 104_729) % 1000) / 1000)
      const takes = isDropped ? 1 : alone * Math.max(1, (running.length + 1) / capacity)
      running.push({ startedAt: now, endsAt: now + takes, isDropped })
    }
    const next = running.reduce((first, other) => other.endsAt < first.endsAt ? other : first)
    now = next.endsAt
    const sample = { rtt: now - next.startedAt, inFlight: running.length, isDropped: next.isDropped }
    machine.observe(state, sample, now, rule)
    running = running.filter((other) => other !== next)
    if (call >= calls / 2) sum += state.limit
  }
  return sum / (calls - Math.ceil(calls / 2))
}
