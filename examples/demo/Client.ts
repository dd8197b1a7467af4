/** What a caller holds: the naive client and the relay both are one, so the same trial runs through either. */
import { type Effect, Schema } from "effect"

export interface Answer {
  readonly text: string
  /** Who answered: an endpoint, or `cache`. */
  readonly from: string
}

export interface Client {
  readonly name: string
  readonly send: (prompt: string) => Effect.Effect<Answer, { readonly _tag: string }>
  /** How often a circuit opened so far. */
  readonly circuitTrips: Effect.Effect<number>
}

/** How many milliseconds a caller waits at most, whichever client it uses. */
export const patience = 2_500

export const model = "demo"

/** The key that the three servers ask for. */
export const apiKey = "demo-key"

/** The part of a chat completion that a caller reads. */
export const Completion = Schema.Struct({
  choices: Schema.NonEmptyArray(Schema.Struct({ message: Schema.Struct({ content: Schema.String }) }))
})
