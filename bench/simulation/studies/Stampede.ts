/** What comes back all at once. */
import type * as Study from "../Study.ts"
import * as Service from "./Service.ts"

const { minute } = Service

export const study: Study.Study = {
  about: "the only service is gone for a minute, and those who were left waiting all come back at once",
  setting: (seed) =>
    Service.world(
      seed,
      Service.steady(seed, 70, 5 * minute),
      Service.busy({ from: minute, lasts: minute, unreachable: 1, failsIn: 5 }),
      5 * minute
    ),
  from: minute,
  until: 2 * minute,
  clients: {
    "three tries": Service.tries(3),
    "relay": Service.relay(),
    "relay, open for 5 s": Service.relay({ breaker: { openFor: "5 seconds" } }),
    "relay, no circuit breaker": Service.relay({ breaker: { mode: "off" } })
  }
}
