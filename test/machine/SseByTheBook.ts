/** Server-sent events as the standard words it, slowly: all bytes at once, one line after the other. */
import type * as Sse from "../../src/machine/Sse.ts"

export const parse = (bytes: Uint8Array): ReadonlyArray<Sse.Event> => {
  const events: Array<Sse.Event> = []
  let eventType = ""
  let dataBuffer = ""
  // the last piece has no line end after it, so it is no line
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/).slice(0, -1)
  for (const line of lines) {
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
  }
  return events
}
