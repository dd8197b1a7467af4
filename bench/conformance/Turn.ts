/** One request at a fault server, and the ways to answer it. */
import type { ServerResponse } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import * as Canon from "./Canon.ts"
import type * as Profile from "./Profile.ts"

export interface Turn {
  readonly role: "primary" | "backup"
  readonly profile: Profile.Profile
  readonly response: ServerResponse
  /** Which request for this model it is, from 1, and milliseconds since the first of them. */
  readonly count: number
  readonly elapsed: number
  /** Whether the last message is the assistant's, to go on from. */
  readonly isPrefilled: boolean
}

export type Behaviour = (turn: Turn) => Promise<void>

export const authorOf = ({ role }: Turn): Canon.Author => Canon[role]

export const refuse = async (
  { response }: Turn,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {}
): Promise<void> => {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(body)
}

/** Ends the connection without an answer. */
export const reset = async ({ response }: Turn): Promise<void> => {
  response.socket?.resetAndDestroy()
}

export const begin = ({ response }: Turn): void => {
  response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders()
}

/** Sends the tokens from one position up to another; `write` may send something else in the place of one. */
export const tokens = async (
  turn: Turn,
  from: number,
  to: number,
  write: (index: number) => string = (index) => Canon.token(authorOf(turn), index)
): Promise<void> => {
  for (let index = from; index < to && !turn.response.destroyed; index++) {
    turn.response.write(write(index))
    await sleep(turn.profile.tokenGap)
  }
}

export const finish = (turn: Turn): void => {
  const by = authorOf(turn)
  turn.response.end(Canon.stop(by) + Canon.usage(by) + Canon.done)
}

/** The canonical answer, as it should be. */
export const answer: Behaviour = async (turn) => {
  begin(turn)
  turn.response.write(Canon.opening(authorOf(turn)))
  await tokens(turn, 0, Canon.tokens.length)
  finish(turn)
}
