import { createOpenAICompatible } from "@ai-sdk/openai-compatible"
import { assert, describe, it } from "@effect/vitest"
import { APICallError, embed, generateText, streamText } from "ai"
import { Effect, Redacted } from "effect"
import { RelayPromise, Retry } from "effect-relay"
import * as Server from "../wire/Server.ts"
import * as Sse from "../wire/Sse.ts"

const hello = Server.json(Server.completion("Hello."))
const down = Server.json({ error: { message: "Too many people.", code: "server_is_overloaded" } }, 503)

const over = Effect.fnUntraced(function*(servers: ReadonlyArray<Server.Server>) {
  const relay = yield* Effect.acquireRelease(
    Effect.promise(() =>
      RelayPromise.make({
        health: "off",
        retry: Retry.none,
        endpoints: servers.map(({ url }, tier) => ({
          id: `server-${tier}`,
          baseUrl: url,
          apiKey: Redacted.make(`key-of-server-${tier}`),
          models: { smart: `m-${tier}` },
          tier
        }))
      })
    ),
    (relay) => Effect.promise(relay.dispose)
  )
  const provider = createOpenAICompatible({
    name: "relay",
    baseURL: "http://relay.invalid/v1",
    apiKey: "key-of-the-caller",
    fetch: relay.fetch
  })
  return { relay, provider }
})

describe("the AI SDK over a relay", () => {
  it.live("gets its text from the backup where the primary fails", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(down)
      const backup = yield* Server.http(hello)
      const { provider } = yield* over([primary, backup])
      const { response, text, usage } = yield* Effect.promise(() =>
        generateText({ model: provider("smart"), prompt: "Hi" })
      )
      assert.deepStrictEqual([text, usage.totalTokens], ["Hello.", 15])
      assert.strictEqual(response.headers?.["x-relay-endpoint"], "server-1")
      assert.deepStrictEqual([primary.received.length, backup.received.length], [1, 1])
      const [{ body, headers }] = backup.received as [Server.Received]
      assert.strictEqual(JSON.parse(body).model, "m-1")
      assert.strictEqual(headers.authorization, "Bearer key-of-server-1")
      assert.notInclude(JSON.stringify([headers, body]), "key-of-the-caller")
    }))

  it.live("throws its own error when all endpoints are down", () =>
    Effect.gen(function*() {
      const servers = [yield* Server.http(down), yield* Server.http(down)]
      const { provider } = yield* over(servers)
      const thrown = yield* Effect.flip(Effect.tryPromise({
        try: () => generateText({ model: provider("smart"), prompt: "Hi", maxRetries: 0 }),
        catch: (error) => error
      }))
      assert.instanceOf(thrown, APICallError)
      assert.deepInclude(thrown, { statusCode: 503 })
      assert.include(thrown.message, "Too many people.")
      assert.deepStrictEqual(servers.map(({ received }) => received.length), [1, 1])
    }))

  it.live("gets embeddings", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(
        Server.json({ data: [{ index: 0, embedding: [0.5] }], usage: { prompt_tokens: 1, total_tokens: 1 } })
      )
      const { provider } = yield* over([server])
      const { embedding } = yield* Effect.promise(() => embed({ model: provider.embeddingModel("smart"), value: "Hi" }))
      assert.deepStrictEqual(embedding, [0.5])
      assert.deepInclude(server.received[0], { path: "/v1/embeddings" })
    }))

  it.live("streams its text through a failover, and hears of a break", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(down)
      const backup = yield* Server.http(Sse.says("Hel", "lo."))
      const { provider } = yield* over([primary, backup])
      const { finish, text } = yield* Effect.promise(async () => {
        const result = streamText({ model: provider("smart"), prompt: "Hi", maxRetries: 0 })
        return {
          text: await result.text,
          finish: await result.finishReason
        }
      })
      assert.deepStrictEqual([text, finish], ["Hello.", "stop"])

      const broken = yield* Server.http(Sse.send([Sse.chunk({ content: "Hel" })], "reset"))
      const other = yield* over([broken])
      const heard = yield* Effect.promise(async () => {
        const errors: Array<unknown> = []
        const result = streamText({
          model: other.provider("smart"),
          prompt: "Hi",
          maxRetries: 0,
          onError: ({ error }) => void errors.push(error)
        })
        for await (const _ of result.textStream);
        return errors
      })
      assert.lengthOf(heard, 1)
    }))
})
