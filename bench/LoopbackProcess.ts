/** Answers every request with the same chat completion, until whoever started it is gone. */
import { createServer } from "node:http"
import * as Transport from "./Transport.ts"

const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(Transport.answer) }

const server = createServer((request, response) => {
  request.resume()
  request.once("end", () => response.writeHead(200, headers).end(Transport.answer))
})

server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  process.send!(typeof address === "object" && address !== null ? address.port : 0)
})
process.once("disconnect", () => process.exit())
