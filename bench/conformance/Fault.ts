/** The sixteen faults, each under the name of the model that asks for it. */
import { setTimeout as sleep } from "node:timers/promises"
import * as Canon from "./Canon.ts"
import * as Turn from "./Turn.ts"

export interface Fault {
  /** The model that a caller asks for to meet it. */
  readonly model: string
  readonly title: string
  readonly primary: Turn.Behaviour
  /** What the backup does; nothing out of the way, unless given. */
  readonly backup?: Turn.Behaviour
  /** How a caller is to fare: the whole answer, or a clean refusal. */
  readonly expect: "answer" | "refusal"
  /** Whether model and usage have to be the backup's. */
  readonly isAccounted?: boolean
  /** Whether it is met by a request now and then, until it is over. */
  readonly isOutage?: boolean
}

/** More attempts at one call than this are a storm. */
export const maxAttempts = 6

const busy = Canon.error("Rate limit reached.", "requests", "rate_limit_exceeded")
const broken = Canon.error("The server had an error.", "server_error", "server_error")
const overloaded = Canon.error("The server is overloaded.", "service_unavailable_error", "server_is_overloaded")

const once = (fault: Turn.Behaviour): Turn.Behaviour => (turn) => turn.count === 1 ? fault(turn) : Turn.answer(turn)

const silence: Turn.Behaviour = async () => {}

const begun = async (turn: Turn.Turn, tokens: number): Promise<void> => {
  Turn.begin(turn)
  turn.response.write(Canon.opening(Turn.authorOf(turn)))
  await Turn.tokens(turn, 0, tokens)
}

const cutAfter = (tokens: number, cut: (turn: Turn.Turn) => Promise<void>): Turn.Behaviour => async (turn) => {
  await begun(turn, tokens)
  await cut(turn)
}

const end = async ({ response }: Turn.Turn): Promise<void> => {
  response.end()
}

const firstTokenLate: Turn.Behaviour = async (turn) => {
  Turn.begin(turn)
  await sleep(turn.profile.lateToken)
  turn.response.write(Canon.opening(Turn.authorOf(turn)))
  await Turn.tokens(turn, 0, Canon.tokens.length)
  Turn.finish(turn)
}

const oneMalformed: Turn.Behaviour = async (turn) => {
  await begun(turn, 30)
  // what would have been a token is half of one
  await Turn.tokens(turn, 30, 31, (index) => `${Canon.token(Turn.authorOf(turn), index).slice(0, 40)}\n\n`)
  await Turn.tokens(turn, 31, Canon.tokens.length)
  Turn.finish(turn)
}

const withoutDone: Turn.Behaviour = async (turn) => {
  await begun(turn, Canon.tokens.length)
  const by = Turn.authorOf(turn)
  turn.response.write(Canon.stop(by) + Canon.usage(by))
  await sleep(turn.profile.linger)
  turn.response.end()
}

const rejectPrefill: Turn.Behaviour = (turn) =>
  turn.isPrefilled
    ? Turn.refuse(turn, 400, Canon.error("The last message has to be the user's.", "invalid_request_error", null))
    : Turn.answer(turn)

const down: Turn.Behaviour = (turn) => turn.elapsed < turn.profile.outage ? Turn.reset(turn) : Turn.answer(turn)

const countThenFail: Turn.Behaviour = async (turn) => {
  const by = Turn.authorOf(turn)
  Turn.begin(turn)
  turn.response.write(Canon.opening(by) + Canon.usage(by))
  await sleep(turn.profile.tokenGap)
  turn.response.end(Canon.errorEvent("The server is overloaded.", "service_unavailable_error", "server_is_overloaded"))
}

export const faults: ReadonlyArray<Fault> = [
  {
    model: "429-once",
    title: "429 with Retry-After: 2, once",
    expect: "answer",
    primary: once((turn) => Turn.refuse(turn, 429, busy, { "retry-after": String(turn.profile.retryAfter / 1000) }))
  },
  {
    model: "429-for-ever",
    title: "429 for ever, without a header",
    expect: "answer",
    primary: (turn) => Turn.refuse(turn, 429, busy)
  },
  {
    model: "500-once",
    title: "500 once",
    expect: "answer",
    primary: once((turn) => Turn.refuse(turn, 500, broken))
  },
  {
    model: "503-for-ever",
    title: "503 for ever",
    expect: "answer",
    primary: (turn) => Turn.refuse(turn, 503, overloaded)
  },
  {
    model: "reset-before-headers",
    title: "connection reset before the headers",
    expect: "answer",
    primary: Turn.reset
  },
  { model: "silence", title: "silence after the request", expect: "answer", primary: silence },
  {
    model: "first-token-late",
    title: "headers at once, the first token after 20 s",
    expect: "answer",
    primary: firstTokenLate
  },
  {
    model: "cut-after-40",
    title: "stream cut after 40 of 60 tokens",
    expect: "answer",
    primary: cutAfter(40, end)
  },
  {
    model: "silent-after-20",
    title: "stream silent after 20 tokens",
    expect: "answer",
    primary: cutAfter(20, silence)
  },
  {
    model: "one-malformed",
    title: "one malformed event among good ones",
    expect: "answer",
    primary: oneMalformed
  },
  { model: "no-done", title: "no [DONE]", expect: "answer", primary: withoutDone },
  {
    model: "context-too-long",
    title: "context_length_exceeded",
    expect: "answer",
    primary: (turn) =>
      Turn.refuse(
        turn,
        400,
        Canon.error("The context is 8192 tokens long.", "invalid_request_error", "context_length_exceeded")
      )
  },
  {
    model: "content-refused",
    title: "content policy refusal",
    expect: "refusal",
    primary: (turn) =>
      Turn.refuse(
        turn,
        400,
        Canon.error("Our policy does not allow this.", "invalid_request_error", "content_policy_violation")
      )
  },
  {
    model: "backup-rejects-prefill",
    title: "stream reset after 40 tokens, and a backup that rejects prefill",
    expect: "answer",
    primary: cutAfter(40, Turn.reset),
    backup: rejectPrefill
  },
  {
    model: "down-for-60-s",
    title: "primary down for 60 s, a request every 4 s",
    expect: "answer",
    primary: down,
    isOutage: true
  },
  {
    model: "accounting",
    title: "accounting of a failover",
    expect: "answer",
    primary: countThenFail,
    isAccounted: true
  }
]

/** Asked for by this name, both servers answer as they should. */
export const healthy = "healthy"

/** What a server does for whoever asks for this model. */
export const behaviourOf = (model: string, role: Turn.Turn["role"]): Turn.Behaviour =>
  faults.find((fault) => fault.model === model)?.[role] ?? Turn.answer
