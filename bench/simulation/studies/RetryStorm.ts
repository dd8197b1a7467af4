/** A load that keeps itself up after what began it is over. */

import type * as Study from "../Study.ts"
import * as Service from "./Service.ts"

const { minute, relay, second } = Service

const off = { mode: "off" } as const
const wide = { maxConcurrent: 200 } as const
const unpaid = { retryBudget: 1_000_000, retryRatio: 1 } as const

export const study: Study.Study = {
  about:
    "a service at seven tenths of what it can do gets five times as slow for 20 s, and works on what nobody waits for; " +
    "then ten minutes pass",
  setting: (seed) =>
    Service.world(
      seed,
      Service.steady(seed, 70, 12 * minute),
      Service.busy({ from: minute, lasts: 20 * second, latencyFactor: 5 }),
      12 * minute
    ),
  from: minute,
  until: 80 * second,
  clients: {
    "one try": Service.tries(1),
    "three tries": Service.tries(3),
    "relay": relay(),
    "relay, no retry budget": relay({ relay: unpaid }),
    "relay, no circuit breaker": relay({ breaker: off }),
    "relay, 200 at once": relay({ bulkhead: wide }),
    "relay, 200 at once, no circuit breaker": relay({ breaker: off, bulkhead: wide }),
    "relay, 200 at once, no circuit breaker, no retry budget": relay({ breaker: off, bulkhead: wide, relay: unpaid })
  }
}
