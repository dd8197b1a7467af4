/** What a caller holds: whichever client it is, the same trials run through it. */
import { Data, type Effect, type Scope } from "effect"
import type * as FaultServer from "./FaultServer.ts"
import type * as Profile from "./Profile.ts"

/** What a client hands over as an answer, whole or not. */
export interface Answer {
  readonly text: string
  readonly model: string | undefined
  readonly outputTokens: number | undefined
  readonly inputTokens: number | undefined
}

/** What it says instead of an answer. */
export class Refusal extends Data.TaggedError("Refusal")<{
  readonly what: string
  /** Whether its type or code, and not just its words, tells that the content was refused. */
  readonly isContent: boolean
}> {}

export interface World {
  readonly profile: Profile.Profile
  readonly primary: FaultServer.FaultServer
  readonly backup: FaultServer.FaultServer
}

export interface Client {
  readonly name: string
  /** Asks in this world, for a model and as a stream; being interrupted hangs up. */
  readonly connect: (world: World) => Effect.Effect<Ask, never, Scope.Scope>
}

export type Ask = (model: string) => Effect.Effect<Answer, Refusal>

export const question = [{ role: "user" as const, content: "Count from 1 to 60." }]
