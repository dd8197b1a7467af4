/**
 * Reads server-sent events out of bytes that come in pieces of any size.
 *
 * A piece may end anywhere: in a character, between the two halves of a line
 * end, in a field. An event without data is none, and so is one that no blank
 * line ends. `id` and `retry` are about coming back for the rest, which no answer of a
 * model has, so they are skipped as unknown fields are.
 *
 * Source: WHATWG, HTML, section 9.2 (server-sent events), "Parsing an event
 * stream" and "Interpreting an event stream".
 *
 * @since 0.1.0
 */

/**
 * One event.
 *
 * @category models
 * @since 0.1.0
 */
export interface Event {
  /** `message` where the stream names no other. */
  readonly type: string
  /** Its lines of data, joined with line feeds. */
  readonly data: string
}

/**
 * What is known of a stream between two pieces of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sse {
  readonly maxEvent: number
  decoder: TextDecoder
  /** The line that has no end yet. */
  line: string
  /** Whether the last character was a carriage return: a line feed after it ends no other line. */
  afterReturn: boolean
  type: string
  data: string
  hasData: boolean
  /** Whether an event was longer than it may be: nothing is read any more. */
  isOver: boolean
}

/**
 * A stream of which nothing has come. An event, or a line, may have so many
 * characters: what is held never gets longer than that and one piece.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (maxEvent: number): Sse => ({
  maxEvent,
  // drops a byte order mark, and keeps half a character until the rest of it comes
  decoder: new TextDecoder(),
  line: "",
  afterReturn: false,
  type: "",
  data: "",
  hasData: false,
  isOver: false
})

/**
 * The events that end in this piece. Once `isOver`, there are none.
 *
 * @category reading
 * @since 0.1.0
 */
export const read = (self: Sse, bytes: Uint8Array): ReadonlyArray<Event> => {
  const events: Array<Event> = []
  if (self.isOver) return events
  const text = self.decoder.decode(bytes, { stream: true })
  if (text === "") return events
  let begin = self.afterReturn && text.charCodeAt(0) === lineFeed ? 1 : 0
  self.afterReturn = text.charCodeAt(text.length - 1) === carriageReturn

  let feedAt = find(text, "\n", begin)
  let returnAt = find(text, "\r", begin)
  for (let end = Math.min(feedAt, returnAt); end < text.length; end = Math.min(feedAt, returnAt)) {
    take(self, self.line + text.slice(begin, end), events)
    if (self.isOver) return events
    self.line = ""
    begin = end + 1
    if (end === returnAt) {
      if (feedAt === begin) begin++
      returnAt = find(text, "\r", begin)
    }
    if (feedAt < begin) feedAt = find(text, "\n", begin)
  }
  self.line += text.slice(begin)
  if (self.line.length > self.maxEvent) forget(self)
  return events
}

/** Where it stands from there on, or where the text ends. */
const find = (text: string, end: string, from: number): number => {
  const at = text.indexOf(end, from)
  return at < 0 ? text.length : at
}

const lineFeed = 10
const carriageReturn = 13
const space = 32

const forget = (self: Sse): void => {
  self.isOver = true
  self.line = ""
  self.data = ""
  self.type = ""
}

const take = (self: Sse, line: string, events: Array<Event>): void => {
  if (line.length > self.maxEvent) return forget(self)
  if (line === "") return dispatch(self, events)
  if (line.startsWith("data:")) return append(self, valueOf(line, 5))
  // a line of nothing but a name is a field without a value
  if (line === "data") return append(self, "")
  if (line === "event") self.type = ""
  else if (line.startsWith("event:")) self.type = valueOf(line, 6)
}

const valueOf = (line: string, from: number): string => line.slice(line.charCodeAt(from) === space ? from + 1 : from)

const append = (self: Sse, value: string): void => {
  self.data = self.hasData ? `${self.data}\n${value}` : value
  self.hasData = true
  if (self.data.length > self.maxEvent) forget(self)
}

const dispatch = (self: Sse, events: Array<Event>): void => {
  if (self.hasData) events.push({ type: self.type === "" ? "message" : self.type, data: self.data })
  self.type = ""
  self.data = ""
  self.hasData = false
}
