/** What is asked through a cache, and what comes. */
import { ResponseCache } from "effect-relay"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/** A chat request with a prompt of so many characters, one in eight of which JSON has to escape. */
export const ofLength = (characters: number) => ({
  tenant: "acme",
  request: {
    model: "gpt-4.1-mini",
    messages: [
      { role: "system", content: "You are terse, and answer in the language of the question." },
      { role: "user", content: "say it \"\n".repeat(Math.ceil(characters / 9)).slice(0, characters) }
    ],
    temperature: 0,
    max_tokens: 200
  }
})

/** Keys of different questions, made before anybody is timed. */
export const keys = (count: number): ReadonlyArray<ResponseCache.CacheKey> =>
  Array.from(
    { length: count },
    (_, number) => Result.getOrThrow(ResponseCache.keyOf({ tenant: "acme", request: number }))
  )

/** Takes turns. */
export const inTurn = <A>(values: ReadonlyArray<A>): () => A => {
  let next = 0
  return () => {
    const value = values[next]!
    next = next + 1 === values.length ? 0 : next + 1
    return value
  }
}

/** An answer of half a kilobyte, as of a short chat. */
export const answer = Effect.succeed({ text: "It is so. ".repeat(50), finishReason: "stop", tokens: { total: 130 } })

/** How many a cache keeps, and how many questions there are where it has to miss. */
export const capacity = 1000
export const manyQuestions = 100_000
