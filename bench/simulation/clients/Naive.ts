/** What an SDK does by default: one endpoint, two retries after half a second and a second, or when it is told to. */
import { Luck } from "effect-relay/testing"
import * as Effect from "effect/Effect"
import type * as Client from "../Client.ts"
import * as Upstream from "./Upstream.ts"

/** How a client that only retries does it. */
export interface Habit {
  readonly tries: number
  /** Milliseconds before the second try; doubled before each after that. */
  readonly base: number
  readonly longest: number
  /** The share of a delay that chance may take away. */
  readonly jitter: number
  /** The longest hint that is obeyed, seconds. */
  readonly obeys: number
  /** How long one try may take, milliseconds. */
  readonly timeout: number
}

/** openai-node, 2026. */
export const sdk: Habit = { tries: 3, base: 500, longest: 8000, jitter: 0.25, obeys: 60, timeout: 600_000 }

const purpose = 40

const late = Effect.succeed<Upstream.Verdict>({ kind: "Silence", after: 0, retryAfter: undefined })

const delayOf = ({ base, jitter, longest, obeys }: Habit, tried: number, hint: number | undefined, chance: number) =>
  hint !== undefined && hint <= obeys
    ? hint * 1000
    : Math.min(longest, base * 2 ** (tried - 1)) * (1 - jitter * chance)

export const make = (habit: Habit): Client.Make => ({ patience, pinned, seed }) => {
  const isPatient = habit.timeout >= patience
  return Effect.map(Upstream.make, ({ send }): Client.Client => ({
    ask: ({ number }) => {
      const trySend = isPatient
        ? send(pinned)
        : Effect.timeoutOrElse(send(pinned), { duration: habit.timeout, orElse: () => late })
      const attempt = (tried: number): Effect.Effect<Client.Outcome> =>
        Effect.flatMap(trySend, ({ kind, retryAfter }) => {
          // an SDK hands over what came with a 200
          if (kind === "Answer") return Effect.succeed("Answered")
          if (kind === "HiddenError") return Effect.succeed("Failed")
          if (tried === habit.tries) {
            return Effect.succeed(kind === "Limited" || kind === "Empty" ? "Limited" : "Failed")
          }
          const delay = delayOf(habit, tried, retryAfter, Luck.draw(seed, number, tried, purpose))
          return Effect.flatMap(Effect.sleep(delay), () => attempt(tried + 1))
        })
      return attempt(1)
    }
  }))
}
