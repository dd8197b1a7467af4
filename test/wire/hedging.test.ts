/** What a hedge does on the wire: the request that lost is hung up on. */
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { RelayService, Retry } from "effect-relay"
import { FetchHttpClient, type HttpClient } from "effect/http"
import * as Server from "./Server.ts"

const clients: Readonly<Record<string, Layer.Layer<HttpClient.HttpClient>>> = {
  fetch: FetchHttpClient.layer,
  undici: NodeHttpClient.layerUndici
}

const promptly = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.timeoutOrElse(self, { duration: "15 seconds", orElse: () => Effect.die(new Error("it hangs")) })

describe.each(Object.entries(clients))("a hedged relay over %s", (_, client) => {
  it.live("hangs up on whoever did not answer, before the answer comes out", () =>
    Effect.gen(function*() {
      // whoever is asked first never answers, the other does at once
      let requests = 0
      const handler: Server.Handler = (response, request) => {
        if (++requests > 1) Server.json(Server.completion("From the copy."))(response, request)
      }
      const servers = { a: yield* Server.http(handler), b: yield* Server.http(handler) }
      const relay = yield* RelayService.layerDefault({
        health: "off",
        retry: Retry.none,
        hedge: { delay: "20 millis" },
        endpoints: Object.entries(servers).map(([id, { url }]) => ({ id, baseUrl: url }))
      }).pipe(
        Layer.provide(client),
        Layer.build,
        Effect.map((context) => Context.get(context, RelayService.RelayService))
      )

      const { meta, text } = yield* promptly(
        relay.chat({ model: "any", messages: [{ role: "user", content: "Hi" }] })
      )
      assert.strictEqual(text, "From the copy.")
      assert.deepStrictEqual(meta.attempts.map(({ outcome }) => outcome), ["Interrupted", "Success"])
      const [lost, won] = meta.endpoint === "b" ? [servers.a, servers.b] : [servers.b, servers.a]
      assert.deepStrictEqual([lost.received.length, won.received.length], [1, 1])
      yield* promptly(lost.until(() => lost.connections().open === 0))
      for (const { bulkhead, failed, id, inFlight } of yield* relay.status) {
        assert.deepStrictEqual({ id, inFlight, failed, running: bulkhead.running }, {
          id,
          inFlight: 0,
          failed: 0,
          running: 0
        })
      }
    }))
})
