/** A server in a process of its own, and a bare `fetch` of a chat from it. */
import { fork } from "node:child_process"
import { join } from "node:path"
import * as Transport from "./Transport.ts"

/** Starts a server that ends with this process: where its API begins. */
export const serve = (): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, "LoopbackProcess.ts"))
    child.once("error", reject)
    child.once("message", (port) => {
      // neither the child nor its channel keeps the lane alive
      child.unref()
      child.channel?.unref()
      resolve(`http://127.0.0.1:${String(port)}/v1`)
    })
  })

export const start = async (): Promise<() => Promise<unknown>> => {
  const url = `${await serve()}/chat/completions`
  return async () => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(Transport.chat)
    })
    return response.json()
  }
}
