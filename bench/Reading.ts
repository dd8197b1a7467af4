/** What reads a stream where no relay does: the same events out of the same bytes, and their text. */
import * as Sse from "../src/machine/Sse.ts"

interface Chunk {
  readonly choices: ReadonlyArray<{ readonly delta: { readonly content?: string } }>
}

const textOf = (data: string): string =>
  data === "[DONE]" ? "" : (JSON.parse(data) as Chunk).choices[0]?.delta.content ?? ""

const longestEvent = 1024 * 1024

/** A reader of one body, which calls this at each text. */
export const make = (onText: (text: string) => void): (bytes: Uint8Array) => void => {
  const sse = Sse.make(longestEvent)
  return (bytes) => {
    for (const { data } of Sse.read(sse, bytes)) {
      const text = textOf(data)
      if (text !== "") onText(text)
    }
  }
}
