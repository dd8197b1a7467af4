/** What an SDK does by default: one endpoint, two retries after half a second and a second, or when it is told to. */
import { Luck } from "effect-relay/testing"
import * as Effect from "effect/Effect"
import type * as Client from "../Client.ts"
import * as Scenario from "../Scenario.ts"
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
}

/** openai-node, 2026. */
export const sdk: Habit = { tries: 3, base: 500, longest: 8000, jitter: 0.25, obeys: 60 }

const purpose = 40

const delayOf = ({ base, jitter, longest, obeys }: Habit, tried: number, hint: number | undefined, chance: number) =>
  hint !== undefined && hint <= obeys
    ? hint * 1000
    : Math.min(longest, base * 2 ** (tried - 1)) * (1 - jitter * chance)

export const make = (habit: Habit): Client.Make => ({ seed }) =>
  Effect.map(Upstream.make, ({ send }): Client.Client => ({
    ask: ({ number }) => {
      const attempt = (tried: number): Effect.Effect<Client.Outcome> =>
        Effect.flatMap(send(Scenario.pinned), ({ kind, retryAfter }) => {
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
