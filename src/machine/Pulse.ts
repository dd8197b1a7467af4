/**
 * Whether a stream is alive: its first token in time, no gap too long, enough
 * characters in each stretch of time, and a prompt end once all was said.
 *
 * Time in which the reader of the stream held it up does not count. There is
 * one time to look next, which comes sooner only with the first token, with the
 * last, and when the reader goes on, so one timer a stream will do, however many
 * tokens come.
 *
 * @since 0.1.0
 */

/**
 * What is asked of a stream. Durations are milliseconds, `Infinity` for no limit.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  /** How long until the first token. */
  readonly firstToken: number
  /** How long between one token and the next. */
  readonly idle: number
  /** How many characters have to come in each `stretch` from the first token on; 0 for any number. */
  readonly characters: number
  readonly stretch: number
}

/**
 * What is known of a stream. Times are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pulse {
  hasBegun: boolean
  /** Of the latest token, or of the start before there was one. */
  last: number
  /** When the stretch under way began, and what came in it. */
  stretchedFrom: number
  characters: number
  /** When all was said, and how much longer the end may take. */
  saidAt: number
  grace: number
  heldSince: number | undefined
  /** In which the reader held it up, so far. */
  held: number
}

/**
 * Why a stream is over: a limit was passed, or its end did not come after all was said.
 *
 * @category models
 * @since 0.1.0
 */
export type Verdict = "FirstToken" | "Idle" | "Slow" | "Said"

/**
 * A stream that was just asked for.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (now: number): Pulse => ({
  hasBegun: false,
  last: now,
  stretchedFrom: now,
  characters: 0,
  saidAt: now,
  grace: Infinity,
  heldSince: undefined,
  held: 0
})

/**
 * Takes in that a token came, so many characters long. What only keeps the connection alive is none.
 * `true` for the first: then it may be due sooner.
 *
 * @category transitions
 * @since 0.1.0
 */
export const beat = (self: Pulse, characters: number, now: number): boolean => {
  self.last = now
  self.characters += characters
  if (self.hasBegun) return false
  self.hasBegun = true
  self.stretchedFrom = now
  return true
}

/**
 * Takes in that all was said: what is left may take so long, less than before if it was said before.
 * `true` where that is sooner.
 *
 * @category transitions
 * @since 0.1.0
 */
export const said = (self: Pulse, grace: number, now: number): boolean => {
  if (now + grace >= self.saidAt + self.grace) return false
  self.saidAt = now
  self.grace = grace
  return true
}

/**
 * Takes in that the reader takes nothing for now; until it goes on, nothing comes.
 *
 * @category transitions
 * @since 0.1.0
 */
export const hold = (self: Pulse, now: number): void => {
  self.heldSince = now
}

/**
 * Takes in that the reader goes on; it may be due sooner then.
 *
 * @category transitions
 * @since 0.1.0
 */
export const resume = (self: Pulse, now: number): void => {
  if (self.heldSince === undefined) return
  const held = now - self.heldSince
  self.heldSince = undefined
  self.held += held
  self.last += held
  self.stretchedFrom += held
  self.saidAt += held
}

/**
 * When there may be a verdict, if nothing happens until then; `Infinity` for never.
 *
 * @category getters
 * @since 0.1.0
 */
export const due = (self: Pulse, rule: Rule): number => {
  if (self.heldSince !== undefined) return Infinity
  if (self.grace !== Infinity) return self.saidAt + self.grace
  if (!self.hasBegun) return self.last + rule.firstToken
  const idle = self.last + rule.idle
  return rule.characters > 0 ? Math.min(idle, self.stretchedFrom + rule.stretch) : idle
}

/**
 * The verdict on a stream, to be asked for when it is due; asked earlier, there is none yet.
 *
 * @category transitions
 * @since 0.1.0
 */
export const check = (self: Pulse, rule: Rule, now: number): Verdict | undefined => {
  if (self.heldSince !== undefined) return undefined
  if (self.grace !== Infinity) return now >= self.saidAt + self.grace ? "Said" : undefined
  if (!self.hasBegun) return now >= self.last + rule.firstToken ? "FirstToken" : undefined
  if (now >= self.last + rule.idle) return "Idle"
  if (now < self.stretchedFrom + rule.stretch) return undefined
  if (self.characters < rule.characters) return "Slow"
  self.stretchedFrom = now
  self.characters = 0
  return undefined
}
