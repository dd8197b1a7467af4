/** Whoever asks on behalf of the callers: one of those that are compared. */
import type { SimulatedWorld, Traffic } from "effect-relay/testing"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Scope from "effect/Scope"
import type * as Setting from "./Setting.ts"

/** What a caller got. */
export type Outcome =
  /** An answer that was asked for. */
  | "Answered"
  /** An answer that was there already, or came with that of another caller. */
  | "Hit"
  /** A failure, for the sake of a limit. */
  | "Limited"
  /** Any other. */
  | "Failed"

export interface Client {
  /** Asks for one caller; whoever is left waiting too long has gone by then. */
  readonly ask: (request: Traffic.Request) => Effect.Effect<Outcome>
  /** What it takes each endpoint for now, in the order of the endpoints, where it has an opinion. */
  readonly states?: Effect.Effect<ReadonlyArray<string>>
}

export type Make = (
  setting: Setting.Setting
) => Effect.Effect<Client, unknown, SimulatedWorld.SimulatedWorld | HttpClient.HttpClient | Scope.Scope>
