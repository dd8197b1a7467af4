/** A server in a process of its own, and a bare `fetch` of a chat from it, as a whole or bit by bit. */
import { fork } from "node:child_process"
import { join } from "node:path"
import * as Answer from "./Answer.ts"
import * as Reading from "./Reading.ts"
import * as Transport from "./Transport.ts"

/** Starts a server that ends with this process, by the file that has it: where its API begins. */
export const serve = (file: "LoopbackProcess.ts" | "StreamProcess.ts"): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, file))
    child.once("error", reject)
    child.once("message", (port) => {
      // neither the child nor its channel keeps the lane alive
      child.unref()
      child.channel?.unref()
      resolve(`http://127.0.0.1:${String(port)}/v1`)
    })
  })

const post = (url: string, body: string): Promise<Response> =>
  fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body })

export const start = async (): Promise<() => Promise<unknown>> => {
  const url = `${await serve("LoopbackProcess.ts")}/chat/completions`
  return async () => (await post(url, JSON.stringify(Transport.chat))).json()
}

/** What reads an answer of so many chunks, and calls this at each text that it has. */
export const startStream = async (): Promise<(chunks: number, onText: (text: string) => void) => Promise<void>> => {
  const url = `${await serve("StreamProcess.ts")}/chat/completions`
  return async (chunks, onText) => {
    const { body } = await post(url, Answer.bodyOf(Answer.chatOf(chunks)))
    const take = Reading.make(onText)
    for await (const bytes of body!) take(bytes)
  }
}
