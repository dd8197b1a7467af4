/**
 * A client that knows the future: what each endpoint would answer to this very request and how fast, and what every
 * account has left. What it was told it
 * keeps for as long as the relay may, without bound. Nothing is refused. It is greedy, so it is near the limit of what is
 * possible, and not proven to be it.
 */
import * as Effect from "effect/Effect"
import type * as Client from "../Client.ts"
import * as Upstream from "./Upstream.ts"

// it pays for a dearer endpoint when the cheaper ones would take longer than this, milliseconds
const tooLong = 250

export const make: Client.Make = (setting) =>
  Effect.map(Upstream.make, ({ now, send, world }): Client.Client => {
    const { timeToLive } = setting.cache
    const endpoints = setting.endpoints.map(({ endpoint }, place) => ({ place, tier: endpoint.tier! }))
    const tiers = [0, 1, 2].map((tier) => endpoints.filter((endpoint) => endpoint.tier === tier))
    /** When the answer to a question is there. */
    const answered = new Map<number, number>()

    interface Prospect {
      readonly place: number
      readonly after: number
    }

    const choose = (request: number, at: number): Prospect | undefined => {
      let best: Prospect | undefined
      for (const tier of tiers) {
        for (const { place } of tier) {
          if (world.wait(place, at) > 0) continue
          const { after, kind } = world.foresee(place, request, 0, at)
          if (kind === "Answer" && (best === undefined || after < best.after)) best = { place, after }
        }
        if (best !== undefined && best.after <= tooLong) break
      }
      return best
    }

    const askWhenPossible = (number: number, question: number): Effect.Effect<Client.Outcome> =>
      Effect.flatMap(now, (at) => {
        const prospect = choose(number, at)
        if (prospect !== undefined) {
          answered.set(question, at + prospect.after)
          return Effect.as(send(prospect.place), "Answered")
        }
        const wait = Math.min(...endpoints.map(({ place }) => world.wait(place, at) || 20))
        return Effect.flatMap(Effect.sleep(Math.max(1, wait)), () => askWhenPossible(number, question))
      })

    return {
      ask: ({ number, question }) =>
        Effect.flatMap(now, (at) => {
          const ready = answered.get(question)
          if (ready === undefined) return askWhenPossible(number, question)
          if (at > ready + timeToLive) return askWhenPossible(number, question)
          return ready <= at ? Effect.succeed("Hit") : Effect.as(Effect.sleep(ready - at), "Hit")
        })
    }
  })
