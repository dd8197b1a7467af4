/** Server-sent events as the standard words it, slowly: all bytes at once, one line after the other. */
import type * as Sse from "../../src/machine/Sse.ts"

/** What is read of it: all of it, unless a line or the data of an event is longer than `maxEvent`. */
export interface Parsed {
  readonly events: ReadonlyArray<Sse.Event>
  readonly isOver: boolean
}

export const parse = (bytes: Uint8Array, maxEvent: number): Parsed => {
  const events: Array<Sse.Event> = []
  let eventType = ""
  let dataBuffer = ""
  // half a character at the end is none
  const lines = new TextDecoder().decode(bytes, { stream: true }).split(/\r\n|\n|\r/)
  for (const [index, line] of lines.entries()) {
    if (line.length > maxEvent) return { events, isOver: true }
    // the last has no line end after it, so it is no line
    if (index === lines.length - 1) break
    if (line === "") {
      if (dataBuffer !== "") {
        events.push({ type: eventType === "" ? "message" : eventType, data: dataBuffer.replace(/\n$/, "") })
      }
      dataBuffer = ""
      eventType = ""
      continue
    }
    if (line.startsWith(":")) continue
    const colon = line.indexOf(":")
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "")
    if (field === "event") eventType = value
    if (field === "data") dataBuffer += `${value}\n`
    // the line feed after it all is not of the data
    if (dataBuffer.length - 1 > maxEvent) return { events, isOver: true }
  }
  return { events, isOver: false }
}
