import { assert, describe, it } from "@effect/vitest"
import * as WireHeaders from "../../src/endpoint/WireHeaders.ts"

const namesOf = (headers: object): ReadonlyArray<string> => Object.keys(headers).toSorted()
const all = (...names: ReadonlyArray<string>) => Object.fromEntries(names.map((name) => [name, "x"]))

describe("the headers that pass through", () => {
  it("to an endpoint hold no key, whatever it is called", () => {
    const keys = all(
      "Authorization",
      "Proxy-Authorization",
      "api-key",
      "X-API-Key",
      "x-apikey",
      "x-goog-api-key",
      "Ocp-Apim-Subscription-Key",
      "X-Auth-Token",
      "x-amz-security-token",
      "x-amz-signature",
      "Cookie",
      "client-secret",
      "x-credentials",
      "OpenAI-Organization",
      "openai-project",
      "X-Forwarded-For",
      "Origin",
      "referer"
    )
    assert.deepStrictEqual(WireHeaders.toEndpoint(keys), {})
  })

  it("to an endpoint keep what a request is about, in lower case", () => {
    const kept = all("Accept", "Content-Type", "Idempotency-Key", "OpenAI-Beta", "traceparent", "User-Agent", "x-trace")
    assert.deepStrictEqual(
      namesOf(WireHeaders.toEndpoint(kept)),
      namesOf(kept).map((name) => name.toLowerCase()).toSorted()
    )
    assert.deepStrictEqual(WireHeaders.toEndpoint({ accept: undefined }), {})
  })

  const hops = all(
    "Connection",
    "Keep-Alive",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Content-Length",
    "Host"
  )

  it("in neither direction hold what belongs to one connection, nor what it names", () => {
    for (const filter of [WireHeaders.toEndpoint, WireHeaders.toCaller]) {
      assert.deepStrictEqual(filter(hops), {})
      assert.deepStrictEqual(filter({ connection: "close, X-Hop , y-hop", "x-hop": "1", "Y-Hop": "2", "z-hop": "3" }), {
        "z-hop": "3"
      })
    }
  })

  it("to a caller hold no cookie, and no encoding that the body no longer has", () => {
    const headers = all("Set-Cookie", "Content-Encoding", "content-type", "x-request-id", "retry-after")
    assert.deepStrictEqual(namesOf(WireHeaders.toCaller(headers)), ["content-type", "retry-after", "x-request-id"])
  })

  it("say which retry of the caller's it is", () => {
    const counts: ReadonlyArray<readonly [string | undefined, number]> = [
      ["2", 2],
      ["0", 0],
      [undefined, 0],
      ["", 0],
      ["-1", 0],
      ["1.5", 0],
      ["many", 0],
      ["99999999999", 0]
    ]
    for (const [value, count] of counts) {
      assert.strictEqual(WireHeaders.callersRetry({ "X-Stainless-Retry-Count": value }), count, String(value))
    }
    assert.strictEqual(WireHeaders.callersRetry({}), 0)
  })
})
