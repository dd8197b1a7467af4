/**
 * The openai package over the relay: the client stays as it is, and answers come although an endpoint is down.
 *
 * Two local servers stand for two APIs, so nothing is sent anywhere and no key is needed. The same `relay.fetch` goes into
 * the AI SDK (`createOpenAICompatible({ …, fetch: relay.fetch })`) and into any other client that takes a `fetch`.
 */
import { Redacted } from "effect"
import { RelayFetch, RelayPromise, Retry } from "effect-relay"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import OpenAI, { InternalServerError } from "openai"

const isDown = { primary: true, backup: false }

const serve = (name: keyof typeof isDown) =>
  new Promise<ReturnType<typeof createServer>>((resolve) => {
    const server = createServer((request, response) => {
      console.log(`  ${name} is asked, with ${request.headers.authorization}`)
      const answer = { role: "assistant", content: `Good morning from ${name}.` }
      const body = isDown[name]
        ? { error: { message: `${name} has too much to do.`, code: "server_is_overloaded" } }
        : { id: "1", object: "chat.completion", choices: [{ index: 0, message: answer, finish_reason: "stop" }] }
      request.resume().on("end", () => {
        response.writeHead(isDown[name] ? 503 : 200, { "content-type": "application/json" }).end(JSON.stringify(body))
      })
    })
    server.listen(0, "127.0.0.1", () => resolve(server))
  })

const servers = { primary: await serve("primary"), backup: await serve("backup") }
const urlOf = (server: ReturnType<typeof createServer>) =>
  `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`

const relay = await RelayPromise.make({
  endpoints: [
    { id: "primary", baseUrl: urlOf(servers.primary), apiKey: Redacted.make("key-of-primary"), tier: 0 },
    { id: "backup", baseUrl: urlOf(servers.backup), apiKey: Redacted.make("key-of-backup"), tier: 1 }
  ],
  // by default the relay waits and begins again, which would take a few seconds here
  retry: Retry.none,
  health: "off"
})

const openai = new OpenAI({ apiKey: "never leaves the relay", fetch: relay.fetch })
const request: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model: "any",
  messages: [{ role: "user", content: "Good morning?" }]
}

console.log("the primary is down:")
const { data, response } = await openai.chat.completions.create(request).withResponse()
console.log(`${data.choices[0]?.message.content} (${response.headers.get("x-relay-attempts")} attempts)`)

isDown.backup = true
console.log("both are down:")
const failure: unknown = await openai.chat.completions.create(request).catch((error: unknown) => error)
// its own class, and no retries of its own behind the relay's
if (failure instanceof InternalServerError) console.log(`${failure.constructor.name}, status ${failure.status}`)

// code that calls fetch itself can have the relay's failure, with everything that it knows
const raw = await relay.fetch("http://any.test/v1/chat/completions", { method: "POST", body: JSON.stringify(request) })
console.log(`${raw.status} is ${RelayFetch.failureOf(raw)?._tag}`)

await relay.dispose()
for (const server of Object.values(servers)) server.close()
console.log("Lesson: a client that takes a fetch takes the relay; its keys, retries and errors stay in order.")
