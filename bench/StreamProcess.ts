/** Streams an answer of as many chunks as it is asked for, until whoever started it is gone. */
import { createServer, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"
import * as Answer from "./Answer.ts"

// in milliseconds: the first token comes alone, and so does each after it, unless whoever reads is slower than that
const afterFirst = 1
const betweenTokens = 0.25

const nobody = new Int32Array(new SharedArrayBuffer(4))

// a timer waits for a millisecond at least, and to spin would take from whoever is measured
const rest = (): void => {
  Atomics.wait(nobody, 0, 0, betweenTokens)
}

const stream = (response: ServerResponse, chunks: number): void => {
  let said = 1
  const goOn = (): void => {
    if (response.destroyed) return
    rest()
    if (said++ === chunks) {
      response.end(Answer.endingOf(chunks))
      return
    }
    response.write(Answer.token)
    // by then it is on its way
    setImmediate(goOn)
  }
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.write(Answer.opening)
  response.write(Answer.token)
  setTimeout(goOn, afterFirst)
}

const server = createServer((request, response) => {
  void text(request).then((body) => stream(response, Answer.chunksIn(body)))
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.send!(typeof address === "object" && address !== null ? address.port : 0)
})
process.once("disconnect", () => process.exit())
