/** Streams over real connections: who is hung up on, who is slowed down, what is read however it is cut. */
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Latch, Layer, Stream } from "effect"
import { type ChatRequest, RelayService, Retry, type StreamChunk } from "effect-relay"
import { FetchHttpClient, type HttpClient } from "effect/http"
import type { ServerResponse } from "node:http"
import * as Hearing from "../relay/Hearing.ts"
import * as Server from "./Server.ts"
import * as Sse from "./Sse.ts"

const clients: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  fetch: FetchHttpClient.layer,
  undici: NodeHttpClient.layerUndici,
  "node:http": NodeHttpClient.layerNodeHttp
}

const hi: ChatRequest.ChatRequest = { model: "any", messages: [{ role: "user", content: "Hi" }] }

const promptly = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.timeoutOrElse(self, { duration: "15 seconds", orElse: () => Effect.die(new Error("it hangs")) })

const over = (
  client: Layer.Layer<HttpClient.HttpClient>,
  servers: ReadonlyArray<Server.Server>,
  options?: Partial<RelayService.Options>
) =>
  RelayService.layerDefault({
    health: "off",
    retry: Retry.none,
    ...options,
    endpoints: servers.map(({ url }, tier) => ({ id: `server-${tier}`, baseUrl: url, tier }))
  }).pipe(
    Layer.provide(client),
    Layer.build,
    Effect.map((context) => Context.get(context, RelayService.RelayService))
  )

const hear = (relay: RelayService.RelayService, options?: RelayService.StreamOptions) =>
  promptly(Effect.provideService(Hearing.whole(options, hi), RelayService.RelayService, relay))

const atRest = (relay: RelayService.RelayService) =>
  Effect.map(relay.status, (all) => {
    for (const { bulkhead, id, inFlight } of all) assert.deepStrictEqual([id, inFlight, bulkhead.running], [id, 0, 0])
  })

const words = ["Grüß ", "Gott, ", "🌊", "."]

describe.each(Object.entries(clients))("a stream over %s", (name, client) => {
  it.live("fails over from whoever is down, resets, or stays silent before the first token", () =>
    Effect.gen(function*() {
      const down = yield* Server.http(Server.json({ error: { code: "server_error" } }, 500))
      const reset = yield* Server.http(Sse.send([Sse.chunk({ role: "assistant" })], "reset"))
      const silent = yield* Server.http(Sse.send([": keep-alive\n\n"], "silence"))
      const backup = yield* Server.http(Sse.says(...words))
      const relay = yield* over(client, [down, reset, silent, backup], { stream: { firstTokenTimeout: "200 millis" } })
      const heard = yield* hear(relay)
      assert.strictEqual(Hearing.textOf(heard.chunks), words.join(""))
      const { meta, tokens } = Hearing.finishOf(heard)
      assert.deepStrictEqual(meta.attempts.map(({ outcome }) => outcome), [
        "EndpointUnavailable",
        "InvalidResponse",
        "EndpointUnavailable",
        "Success"
      ])
      assert.deepStrictEqual(tokens, { input: 10, output: 5, total: 15, isEstimated: false })
      yield* promptly(silent.until(() => silent.connections().open === 0))
      yield* atRest(relay)
    }))

  it.live("is read, however the bytes come", () =>
    Effect.gen(function*() {
      const text = [...words.map((content) => Sse.chunk({ content })), ...Sse.end].join("").replaceAll("\n", "\r\n")
      const bytes = Buffer.from(text)
      const server = yield* Server.http((response) => {
        Sse.begin(response)
        const next = (at: number): void => {
          if (at >= bytes.length) return void response.end()
          response.write(bytes.subarray(at, at + 7), () => setImmediate(next, at + 7))
        }
        next(0)
      })
      const heard = yield* hear(yield* over(client, [server]))
      assert.strictEqual(Hearing.textOf(heard.chunks), words.join(""))
      Hearing.finishOf(heard)
    }))

  it.live("hangs up when its listener stops, before the stream is over for it", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Sse.send([Sse.chunk({ content: "x" })], "silence"))
      const relay = yield* over(client, [server])
      const chunks = yield* promptly(Stream.runCollect(Stream.take(relay.stream(hi), 2)))
      assert.lengthOf(chunks, 2)
      yield* atRest(relay)
      yield* promptly(server.until(() => server.connections().open === 0))
      assert.deepInclude((yield* relay.status)[0], { failed: 0, answered: 0 })
    }))

  it.live("hangs up when it is interrupted", () =>
    Effect.gen(function*() {
      for (const parts of [[], [Sse.chunk({ content: "x" })]]) {
        const server = yield* Server.http(Sse.send(parts, "silence"))
        const relay = yield* over(client, [server])
        const fiber = yield* Effect.forkChild(Stream.runDrain(relay.stream(hi)), { startImmediately: true })
        yield* promptly(server.until(() => server.received.length === 1))
        yield* Effect.sleep("20 millis")
        yield* promptly(Fiber.interrupt(fiber))
        yield* atRest(relay)
        yield* promptly(server.until(() => server.connections().open === 0))
      }
    }))

  it.live("slows the endpoint down when its listener is slow, and loses nothing", () =>
    Effect.gen(function*() {
      // far more than the sockets of both sides hold
      const total = 400
      const filler = "x".repeat(60_000)
      let written = 0
      const server = yield* Server.http((response) => {
        Sse.begin(response)
        const next = (): void => {
          while (written < total) {
            const isFree = response.write(Sse.chunk({ content: `${written++}:${filler};` }))
            if (!isFree) return void response.once("drain", next)
          }
          for (const part of Sse.end) response.write(part)
          response.end()
        }
        next()
      })
      const relay = yield* over(client, [server], { maxResponseBytes: 100_000_000 })
      const goesOn = Latch.makeUnsafe(false)
      let taken = 0
      let text = 0
      const fiber = yield* Effect.forkChild(
        Stream.runForEach(relay.stream(hi), (chunk: StreamChunk.StreamChunk) => {
          taken++
          if (chunk._tag === "TextDelta") text += chunk.text.length
          return taken < 3 ? Effect.void : goesOn.await
        }),
        { startImmediately: true }
      )
      // until the server is stuck
      let before = -1
      while (written !== before) {
        before = written
        yield* Effect.sleep("300 millis")
      }
      assert.isBelow(written, total, "the endpoint was not slowed down")
      goesOn.openUnsafe()
      yield* promptly(Fiber.join(fiber))
      const expected = Array.from({ length: total }, (_, index) => `${index}:${filler};`.length)
      assert.strictEqual(text, expected.reduce((sum, size) => sum + size, 0))
      yield* atRest(relay)
    }), 30_000)

  it.live("keeps its connection for the next, when the endpoint ends the body", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Sse.says(...words))
      const relay = yield* over(client, [server])
      for (let call = 0; call < 5; call++) Hearing.finishOf(yield* hear(relay))
      if (name !== "node:http") assert.strictEqual(server.connections().opened, 1)
    }))

  it.live("ends promptly after the reason to stop, though the connection stays", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Sse.send([Sse.chunk({ content: "x" }), Sse.chunk({}, "stop")], "silence"))
      const relay = yield* over(client, [server])
      const { meta } = Hearing.finishOf(yield* hear(relay))
      assert.isBelow(meta.latency, 3000)
      yield* promptly(server.until(() => server.connections().open === 0))
    }))

  it.live("hedged, hangs up on whoever had not said anything", () =>
    Effect.gen(function*() {
      let requests = 0
      const handler: Server.Handler = (response: ServerResponse, request) => {
        if (++requests === 1) Sse.send([": keep-alive\n\n"], "silence")(response, request)
        else Sse.says(...words)(response, request)
      }
      const servers = { a: yield* Server.http(handler), b: yield* Server.http(handler) }
      const relay = yield* RelayService.layerDefault({
        health: "off",
        retry: Retry.none,
        hedge: { delay: "30 millis" },
        endpoints: Object.entries(servers).map(([id, { url }]) => ({ id, baseUrl: url }))
      }).pipe(
        Layer.provide(client),
        Layer.build,
        Effect.map((context) => Context.get(context, RelayService.RelayService))
      )
      const heard = yield* hear(relay)
      const { meta } = Hearing.finishOf(heard)
      assert.deepStrictEqual(meta.attempts.map(({ outcome }) => outcome), ["Interrupted", "Success"])
      const lost = meta.endpoint === "b" ? servers.a : servers.b
      yield* promptly(lost.until(() => lost.connections().open === 0))
      yield* atRest(relay)
    }))
})

describe("a thousand streams at once", () => {
  it.live("lose no chunk", () =>
    Effect.gen(function*() {
      const server = yield* Server.http(Sse.says(...Array.from({ length: 20 }, (_, index) => `${index} `)))
      const relay = yield* RelayService.layerDefault({
        health: "off",
        endpoints: [{ id: "a", baseUrl: server.url, bulkhead: { maxConcurrent: 1000 } }]
      }).pipe(
        Layer.provide(NodeHttpClient.layerUndici),
        Layer.build,
        Effect.map((context) => Context.get(context, RelayService.RelayService))
      )
      const expected = Array.from({ length: 20 }, (_, index) => `${index} `).join("")
      const all = yield* Effect.all(Array.from({ length: 1000 }, () => hear(relay)), { concurrency: "unbounded" })
      for (const heard of all) {
        assert.isTrue(Exit.isSuccess(heard.exit))
        assert.strictEqual(Hearing.textOf(heard.chunks), expected)
      }
      yield* atRest(relay)
    }), 60_000)
})
