/** What goes wrong everywhere at once. */
import { Retry } from "effect-relay"
import * as Clients from "../Clients.ts"
import type * as Study from "../Study.ts"
import * as Afternoon from "./Afternoon.ts"

/** It begins when there are answers in the cache that are no longer good. */
export const allDown: Study.Study = {
  about: "nobody can be reached for ten minutes",
  ...Afternoon.incident(["A", "B", "C", "D"], { unreachable: 1, failsIn: 5 }, 75),
  clients: {
    ...Afternoon.clients("naive", "retry", "plan", "article", "relay"),
    ...Afternoon.changed({
      "stale answers for an hour": { cache: { staleIfError: "1 hour" } },
      "no waiting rounds": { relay: { retry: Retry.none } }
    })
  }
}

const hour = 3_600_000
const afternoon = Afternoon.incident([], {})

export const clockSteps: Study.Study = {
  about: "the wall clock is put back by an hour, and forward by three; nothing is to differ from a day without that",
  ...afternoon,
  clients: {
    "relay": Clients.clients.relay,
    "relay, clock steps": {
      make: Clients.clients.relay,
      shifts: [{ at: afternoon.from, by: -hour }, { at: afternoon.until, by: 3 * hour }]
    }
  }
}
