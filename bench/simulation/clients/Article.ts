/**
 * The design of the article that this library answers, with what its code does rather than what its text says:
 *
 * - endpoints are tried in the order of the list, whatever is known of them;
 * - a 429 is slept out on the spot, for as long as `Retry-After` says or a minute, three times before the next endpoint;
 * - five failures in a row open a circuit for half a minute; half-open, everybody is let in, and one failure opens it
 *   again; three successes close it, and the old count of failures stands;
 * - so many calls at once by tier, 20, 15 and 10, and a call that sleeps holds its place; the others are turned away;
 * - answers are kept, but equal questions at one time are all sent.
 *
 * Left out, in its favour: the queue that deadlocks at the first full window, headers that make it crash, and probes that
 * are counted in and never out.
 */
import * as Effect from "effect/Effect"
import type * as Client from "../Client.ts"
import * as Shelf from "./Shelf.ts"
import * as Upstream from "./Upstream.ts"

const tries = 3
const failuresToOpen = 5
const successesToClose = 3
const openFor = 30_000
const pauseWithoutHint = 60
const places: ReadonlyArray<number> = [20, 15, 10]

interface Target {
  readonly place: number
  readonly slots: number
  taken: number
  state: "closed" | "open" | "half-open"
  failures: number
  successes: number
  openedAt: number
}

const isOpen = (target: Target, now: number): boolean => {
  if (target.state === "open" && now >= target.openedAt + openFor) {
    target.state = "half-open"
    target.successes = 0
  }
  return target.state === "open"
}

const succeeded = (target: Target): void => {
  if (target.state === "closed") target.failures = 0
  else if (++target.successes >= successesToClose) target.state = "closed"
}

const failed = (target: Target, now: number): void => {
  target.failures++
  if (target.state === "closed" && target.failures < failuresToOpen) return
  target.state = "open"
  target.openedAt = now
}

export const make: Client.Make = ({ cache, endpoints }) =>
  Effect.map(Upstream.make, ({ now, send }): Client.Client => {
    const shelf = Shelf.make(cache.capacity, cache.timeToLive)
    const targets = endpoints.map(({ endpoint }, place): Target => ({
      place,
      slots: places[endpoint.tier!]!,
      taken: 0,
      state: "closed",
      failures: 0,
      successes: 0,
      openedAt: 0
    }))

    /** `undefined` when the endpoint failed for good. */
    const insist = (target: Target, tried: number): Effect.Effect<"Answered" | "Limited" | "Failed"> =>
      Effect.flatMap(send(target.place), ({ kind, retryAfter }) => {
        if (kind === "Answer") {
          succeeded(target)
          return Effect.succeed("Answered")
        }
        if (kind !== "Limited" && kind !== "Empty") {
          return Effect.map(now, (at) => {
            failed(target, at)
            return "Failed" as const
          })
        }
        if (tried === tries) return Effect.succeed("Limited")
        const pause = (retryAfter ?? pauseWithoutHint) * 1000
        return Effect.flatMap(Effect.sleep(pause), () => insist(target, tried + 1))
      })

    const goThrough = (place: number, outcome: Client.Outcome): Effect.Effect<Client.Outcome> =>
      Effect.flatMap(now, (at) => {
        const target = targets[place]
        if (target === undefined) return Effect.succeed(outcome)
        if (isOpen(target, at) || target.taken >= target.slots) return goThrough(place + 1, outcome)
        target.taken++
        return insist(target, 1).pipe(
          Effect.onExit(() => Effect.sync(() => target.taken--)),
          Effect.flatMap((outcome) => outcome === "Answered" ? Effect.succeed(outcome) : goThrough(place + 1, outcome))
        )
      })

    return {
      states: Effect.sync(() => targets.map(({ state }) => state)),
      ask: ({ question }) =>
        Effect.flatMap(now, (at) => {
          if (Shelf.find(shelf, question, at)) return Effect.succeed("Hit")
          return Effect.tap(goThrough(0, "Failed"), (outcome) =>
            Effect.map(now, (then) => {
              if (outcome === "Answered") Shelf.put(shelf, question, then)
            }))
        })
    }
  })
