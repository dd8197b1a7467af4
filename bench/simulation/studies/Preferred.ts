/** What goes wrong with the endpoint that is asked first, or with those beside it. */
import { SimulatedAccount } from "effect-relay/testing"
import type * as Relay from "../clients/Relay.ts"
import type * as Study from "../Study.ts"
import * as Afternoon from "./Afternoon.ts"

const off = { mode: "off" } as const
const rivals = Afternoon.clients("plan", "article", "relay")

// what notices an endpoint that is worse than the others; where a circuit opens, outliers have nothing left to do
const senses = {
  "no circuit breaker": { breaker: off },
  "no circuit breaker, no outliers": { breaker: off, relay: { outliers: "off" } }
} as const satisfies Readonly<Record<string, Relay.Changes>>

export const silentDegradation: Study.Study = {
  about: "the preferred endpoint answers everything, twenty times as slowly, for ten minutes",
  ...Afternoon.incident(["B"], { latencyFactor: 20 }),
  place: 0,
  clients: {
    ...rivals,
    ...Afternoon.changed({
      ...senses,
      "no hedging": { relay: { hedge: "off" } },
      "round robin": { relay: { balance: "roundRobin" } }
    })
  }
}

export const failingFast: Study.Study = {
  about: "the preferred endpoint answers everything with HTTP 500 in 5 ms for ten minutes",
  ...Afternoon.incident(["B"], { failures: 1, failsIn: 5 }),
  place: 0,
  clients: { ...rivals, ...Afternoon.changed(senses) }
}

export const hiddenErrors: Study.Study = {
  about: "the preferred endpoint answers three of ten with HTTP 200 and an error in the body for ten minutes",
  ...Afternoon.incident(["B"], { hiddenErrors: 0.3 }),
  place: 0,
  clients: {
    ...rivals,
    ...Afternoon.changed({
      "no outliers": { relay: { outliers: "off" } },
      "outliers by a gap of 0.1": { relay: { outliers: { failureGap: 0.1 } } },
      "outliers for 5 min": { relay: { outliers: { degradedFor: "5 minutes" } } },
      "round robin": { relay: { balance: "roundRobin" } },
      "round robin, no outliers": { relay: { balance: "roundRobin", outliers: "off" } }
    })
  }
}

export const silence: Study.Study = {
  about: "the preferred endpoint never answers one of five for ten minutes",
  ...Afternoon.incident(["B"], { silence: 0.2 }),
  place: 0,
  clients: {
    ...rivals,
    ...Afternoon.changed({
      "attempt timeout 30 s": { relay: { attemptTimeout: "30 seconds" } },
      "no hedging": { relay: { hedge: "off" } },
      "attempt timeout 30 s, no circuit breaker": { breaker: off, relay: { attemptTimeout: "30 seconds" } }
    })
  }
}

export const regionDown: Study.Study = {
  about: "one region is gone for ten minutes, and with it the cheapest and the spare endpoint",
  ...Afternoon.incident(["B", "D"], { unreachable: 1, failsIn: 5 }),
  place: 0,
  clients: rivals
}

export const quotaGone: Study.Study = {
  about: "the account of the two cheapest endpoints has used up its quota for ten minutes",
  ...Afternoon.make(20, (endpoint, span) =>
    endpoint.account.id === "account-1"
      ? {
        ...endpoint,
        account: SimulatedAccount.make("account-1", { requestsPerMinute: 2400, burst: 400, emptyDuring: [span] })
      }
      : endpoint),
  place: 0,
  clients: rivals
}
