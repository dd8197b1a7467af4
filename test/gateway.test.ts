import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, FileSystem, Layer, Redacted } from "effect"
import { Bulkhead, CircuitBreaker, Hedge, RelayService } from "effect-relay"
import { FetchHttpClient } from "effect/http"
import { spawn } from "node:child_process"
import { join } from "node:path"
import OpenAI from "openai"
import * as Endpoints from "../examples/gateway/Endpoints.ts"
import * as GatewayConfig from "../examples/gateway/GatewayConfig.ts"
import { root } from "./architecture/Source.ts"
import * as Program from "./Program.ts"
import * as Connection from "./wire/Connection.ts"
import * as Server from "./wire/Server.ts"

const main = "examples/gateway/main.ts"

const write = Effect.fnUntraced(function*(content: string) {
  const files = yield* FileSystem.FileSystem
  const path = join(yield* files.makeTempDirectoryScoped(), "relay.json")
  yield* files.writeFileString(path, content)
  return path
})

const endpoint = { id: "a", baseUrl: "http://127.0.0.1:1/v1" }

const refusalOf = Effect.fnUntraced(function*(content: string) {
  const path = yield* write(content)
  return yield* Effect.flip(Effect.flatMap(GatewayConfig.read(path), (config) => Endpoints.make(path, config)))
})

const environment = ConfigProvider.layer(ConfigProvider.fromEnvRecord({
  A_KEY: "sk-1",
  FROM_A_FILE: "sk-1\n",
  TWO_LINES: "sk-1\nsk-2",
  EMPTY: ""
}))

const wrong: Readonly<Record<string, readonly [content: unknown, field: string]>> = {
  "no endpoints": [{}, "endpoints"],
  "an empty list of endpoints": [{ endpoints: [] }, "endpoints.0"],
  "an empty list of callers' keys": [{ endpoints: [endpoint], apiKeysFrom: [] }, "apiKeysFrom"],
  "a caller's key in the place of its variable": [
    { endpoints: [endpoint], apiKeysFrom: ["sk-secret"] },
    "apiKeysFrom.0"
  ],
  "an option nobody knows": [{ endpoints: [endpoint], prot: 80 }, "prot"],
  "a port that there is not": [{ endpoints: [endpoint], port: 70_000 }, "port"],
  "an endpoint without an address": [{ endpoints: [{ id: "a" }] }, "endpoints.0.baseUrl"],
  "half a capability": [
    { endpoints: [{ ...endpoint, capabilities: { tools: "yes" } }] },
    "endpoints.0.capabilities.tools"
  ],
  "half a capability of one model": [
    { endpoints: [{ ...endpoint, models: ["m"], capabilities: { m: { tools: "yes" } } }] },
    "endpoints.0.capabilities.m.tools"
  ],
  "a capability that there is not": [
    { endpoints: [endpoint, { ...endpoint, id: "b", capabilities: { m: { toolz: "sk-secret" } } }] },
    "endpoints.1.capabilities.m.toolz"
  ],
  "capabilities of a model that is not served": [
    { endpoints: [{ ...endpoint, models: ["m"], capabilities: { n: { tools: false } } }] },
    "endpoints.0.capabilities.n"
  ],
  "capabilities that are a text": [{ endpoints: [{ ...endpoint, capabilities: "tools" }] }, "endpoints.0.capabilities"],
  "a weight of nothing": [{ endpoints: [{ ...endpoint, weight: 0 }] }, "endpoints.0.weight"],
  "a tier below zero": [{ endpoints: [endpoint, { ...endpoint, tier: -1 }] }, "endpoints.1.tier"],
  "a dialect nobody speaks": [{ endpoints: [{ ...endpoint, dialect: "klingon" }] }, "endpoints.0.dialect"],
  "a policy for streams that there is not": [
    { endpoints: [endpoint], relay: { stream: { afterCommit: "panic" } } },
    "relay.stream.afterCommit"
  ],
  "a duration that is none": [{ endpoints: [endpoint], relay: { attemptTimeout: "5s" } }, "relay.attemptTimeout"],
  "a bound below the one that it has to be above": [
    { endpoints: [endpoint], relay: { stream: { minThroughput: { characters: -1, per: "1 second" } } } },
    "relay.stream.minThroughput.characters"
  ],
  "a mode that there is not": [{ endpoints: [endpoint], circuitBreaker: { mode: "maybe" } }, "circuitBreaker.mode"],
  "a key in the file": [{ endpoints: [{ ...endpoint, apiKey: "sk-secret" }] }, "endpoints.0.apiKey"],
  "a key in the place of its variable": [
    { endpoints: [{ ...endpoint, apiKeyFrom: "sk-secret" }] },
    "endpoints.0.apiKeyFrom"
  ],
  "a secret in the place of its variable": [
    { endpoints: [{ ...endpoint, headersFrom: { "x-key": "sk-secret" } }] },
    "endpoints.0.headersFrom.x-key"
  ],
  "a variable that there is not": [{ endpoints: [{ ...endpoint, apiKeyFrom: "NO_KEY" }] }, "endpoints.0.apiKeyFrom"],
  "a variable that holds no key": [
    { endpoints: [{ ...endpoint, apiKeyFrom: "TWO_LINES" }] },
    "endpoints.0.apiKeyFrom"
  ],
  "a variable that holds no header": [
    { endpoints: [{ ...endpoint, headersFrom: { "x-key": "TWO_LINES" } }] },
    "endpoints.0.headersFrom.x-key"
  ],
  "a variable that is empty": [{ endpoints: [{ ...endpoint, apiKeyFrom: "EMPTY" }] }, "endpoints.0.apiKeyFrom"]
}

describe("the configuration of a gateway", () => {
  for (const [name, [content, field]] of Object.entries(wrong)) {
    it.effect(`is refused for ${name}, by the name of the field and without a key`, () =>
      Effect.gen(function*() {
        const refused = yield* refusalOf(JSON.stringify(content))
        assert.deepStrictEqual([refused._tag, refused.field], ["InvalidConfiguration", field])
        assert.match(refused.message, /relay\.json: /)
        assert.notInclude(refused.message, "sk-")
      }).pipe(Effect.provide([NodeFileSystem.layer, environment])))
  }

  it.effect("shows the value of what is no secret, whatever its name", () =>
    Effect.gen(function*() {
      const { message } = yield* refusalOf(JSON.stringify({ endpoints: [endpoint], bulkhead: { maxKeys: "many" } }))
      assert.include(message, "bulkhead.maxKeys is \"many\"")
    }).pipe(Effect.provide([NodeFileSystem.layer, environment])))

  it.effect("takes a bound to how much slower the cheapest may be", () =>
    Effect.gen(function*() {
      const balance = (maxAddedLatency: string) => ({ relay: { balance: { cheapest: { maxAddedLatency } } } })
      const read = (content: object) =>
        Effect.flatMap(write(JSON.stringify({ endpoints: [endpoint], ...content })), GatewayConfig.read)
      const { relay } = yield* read(balance("200 millis"))
      assert.deepStrictEqual(relay.balance, { cheapest: { maxAddedLatency: 200 } })
      assert.deepInclude(yield* Effect.flip(read(balance("soon"))), {
        field: "relay.balance.cheapest.maxAddedLatency"
      } as never)
    }).pipe(Effect.provide([NodeFileSystem.layer, environment])))

  it.effect("takes capabilities of an endpoint and of each of its models", () =>
    Effect.gen(function*() {
      const described = [{ tools: false, contextWindow: 1000 }, { m: { tools: false }, n: { vision: false } }]
      const path = yield* write(JSON.stringify({
        endpoints: described.map((capabilities, index) => ({
          ...endpoint,
          id: `e${index}`,
          models: ["m", "n"],
          capabilities
        }))
      }))
      const endpoints = yield* Effect.flatMap(GatewayConfig.read(path), (config) => Endpoints.make(path, config))
      assert.deepStrictEqual(endpoints.map(({ capabilities }) => capabilities), described)
    }).pipe(Effect.provide([NodeFileSystem.layer, environment])))

  it.effect("takes all options of relay, circuit breaker and bulkhead that JSON has a word for", () =>
    Effect.gen(function*() {
      const { retry: _retry, ...relay } = RelayService.defaults
      const { schedule: _schedule, ...health } = relay.health
      const { classify: _classify, tripPolicy: _tripPolicy, ...circuitBreaker } = CircuitBreaker.defaults
      const { adaptive: _adaptive, ...bulkhead } = Bulkhead.defaults
      const stream = { ...relay.stream, firstTokenTimeout: "5 seconds" }
      const content = {
        endpoints: [endpoint],
        relay: { ...relay, health, stream, hedge: { ...Hedge.defaults, delay: "1 second" } },
        circuitBreaker,
        bulkhead
      }
      const config = yield* GatewayConfig.read(yield* write(JSON.stringify(content)))
      for (const field of ["relay", "circuitBreaker", "bulkhead"] as const) {
        assert.sameMembers(Object.keys(config[field]), Object.keys(content[field]))
      }
      yield* Layer.build(CircuitBreaker.layer(config.circuitBreaker))
      yield* Layer.build(Bulkhead.layer(config.bulkhead))
      yield* Layer.build(
        RelayService.layerDefault({ ...config.relay, endpoints: yield* Endpoints.make("relay.json", config) }).pipe(
          Layer.provide(FetchHttpClient.layer)
        )
      )
    }).pipe(Effect.scoped, Effect.provide([NodeFileSystem.layer, environment])))

  it.effect("is refused where it is no JSON, without quoting it, and where there is none", () =>
    Effect.gen(function*() {
      assert.notInclude((yield* refusalOf("{\"apiKey\": sk-secret")).message, "sk-")
      assert.include((yield* Effect.flip(GatewayConfig.read("/nowhere/relay.json"))).message, "NotFound")
    }).pipe(Effect.provide([NodeFileSystem.layer, environment])))

  it.effect("takes keys and secret headers from the environment, wrapped", () =>
    Effect.gen(function*() {
      const path = yield* write(JSON.stringify({
        endpoints: [{ ...endpoint, apiKeyFrom: "A_KEY", headers: { "x-a": "1" }, headersFrom: { "x-b": "A_KEY" } }]
      }))
      const config = yield* GatewayConfig.read(path)
      assert.strictEqual(config.host, "127.0.0.1")
      const endpoints = yield* Endpoints.make(path, config)
      assert.deepInclude(endpoints[0], endpoint)
      assert.notInclude(JSON.stringify(endpoints), "sk-1")
      assert.sameMembers(Object.keys(endpoints[0]!.headers!), ["x-a", "x-b"])
    }).pipe(Effect.provide([NodeFileSystem.layer, environment])))

  it.effect("takes a key as a file of secrets holds it, without the end of the line", () =>
    Effect.gen(function*() {
      const path = yield* write(JSON.stringify({ endpoints: [{ ...endpoint, apiKeyFrom: "FROM_A_FILE" }] }))
      const [only] = yield* Effect.flatMap(GatewayConfig.read(path), (config) => Endpoints.make(path, config))
      assert.strictEqual(Redacted.value(only!.apiKey!), "sk-1")
    }).pipe(Effect.provide([NodeFileSystem.layer, environment])))

  it.effect("comes with an example that can be read", () =>
    Effect.gen(function*() {
      const { endpoints } = yield* GatewayConfig.read(join(root, "examples/gateway/relay.json"))
      assert.deepStrictEqual(endpoints.map(({ id }) => id), ["openai", "anthropic"])
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})

const post = (body: object): string => {
  const text = JSON.stringify({ model: "any", messages: [{ role: "user", content: "Hi" }], ...body })
  return "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n" +
    `content-length: ${text.length}\r\n\r\n${text}`
}

const chat = post({})
const streamed = post({ stream: true })
const health = "GET /health HTTP/1.1\r\nhost: gateway\r\n\r\n"

interface Running {
  readonly url: string
  /** Tells it to end, without waiting for it. */
  readonly terminate: Effect.Effect<void>
  /** How it ended. */
  readonly exitCode: Effect.Effect<number | null>
}

/** The program, and the URL that it says it listens at; it is told to end with the scope. */
const start = (config: string) =>
  Effect.acquireRelease(
    Effect.callback<Running>((resume) => {
      const child = spawn(process.execPath, ["--conditions=effect-relay-source", main, "--config", config], {
        cwd: root,
        env: { ...process.env, CALLERS_KEY: "key-of-the-caller", SERVERS_KEY: "key-of-the-server" },
        stdio: ["ignore", "pipe", "inherit"]
      })
      const closed = new Promise<number | null>((resolve) => child.on("close", resolve))
      let said = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text
        const url = /^(http:\S+) stands for/m.exec(said)?.[1]
        if (url === undefined) return
        resume(Effect.succeed({
          url,
          terminate: Effect.sync(() => void child.kill("SIGTERM")),
          exitCode: Effect.promise(() => closed)
        }))
      })
    }),
    ({ exitCode, terminate }) => Effect.andThen(terminate, exitCode)
  )

describe("npm run gateway", () => {
  it.live("serves the openai package over the endpoints of its file, at loopback alone, until it is told to end", () =>
    Effect.gen(function*() {
      const primary = yield* Server.http(Server.json({ error: { message: "down" } }, 503))
      const backup = yield* Server.http(Server.json(Server.completion("Hello.")))
      const path = yield* write(JSON.stringify({
        port: 0,
        apiKeysFrom: ["CALLERS_KEY"],
        relay: { health: "off" },
        endpoints: [
          { id: "primary", baseUrl: primary.url, apiKeyFrom: "SERVERS_KEY" },
          { id: "backup", baseUrl: backup.url, apiKeyFrom: "SERVERS_KEY", tier: 1 }
        ]
      }))
      const { url } = yield* start(path)
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/v1$/)
      const client = new OpenAI({ apiKey: "key-of-the-caller", baseURL: url })
      const { choices } = yield* Effect.promise(() =>
        client.chat.completions.create({ model: "any", messages: [{ role: "user", content: "Hi" }] })
      )
      assert.strictEqual(choices[0]?.message.content, "Hello.")
      assert.strictEqual(backup.received[0]?.headers.authorization, "Bearer key-of-the-server")
      const elsewhere = yield* Effect.promise(() => fetch(url.replace("/v1", "/chat/completions"), { method: "POST" }))
      assert.include(yield* Effect.promise(() => elsewhere.text()), "begins at /v1")
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("closes what is idle once it is told to end, takes no new call, finishes those under way, and exits with 0", () =>
    Effect.gen(function*() {
      let release = () => {}
      const upstream = yield* Server.http((response, request) => {
        release = () => Server.json(Server.completion("Hello."))(response, request)
      })
      const path = yield* write(JSON.stringify({
        port: 0,
        relay: { health: "off" },
        endpoints: [{ id: "only", baseUrl: upstream.url }]
      }))
      const { exitCode, terminate, url } = yield* start(path)
      const port = Number(new URL(url).port)
      const fresh = yield* Connection.open(port, "")
      const idle = yield* Connection.open(port, health)
      yield* idle.until(/\}$/)
      const busy = yield* Connection.open(port, chat)
      yield* upstream.until(() => upstream.received.length === 1)
      yield* terminate
      yield* fresh.closed
      yield* idle.closed
      assert.match(idle.text(), /^HTTP\/1\.1 200 [^]*\r\nConnection: keep-alive\r\n/i)
      busy.write(chat)
      release()
      yield* busy.closed
      assert.match(busy.text(), /^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n[^]*Hello\./i)
      assert.strictEqual(upstream.received.length, 1)
      assert.strictEqual(yield* exitCode, 0)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("answers a new call behind a stream with 503 and hangs up, once it is told to end", () =>
    Effect.gen(function*() {
      let release = () => {}
      const upstream = yield* Server.http((response) => {
        response.writeHead(200, { "content-type": "text/event-stream" })
        response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "Hel" } }] })}\n\n`)
        release = () => {
          response.end(
            `data: ${
              JSON.stringify({ choices: [{ index: 0, delta: { content: "lo." }, finish_reason: "stop" }] })
            }\n\n` +
              "data: [DONE]\n\n"
          )
        }
      })
      const path = yield* write(JSON.stringify({
        port: 0,
        relay: { health: "off" },
        endpoints: [{ id: "only", baseUrl: upstream.url }]
      }))
      const { exitCode, terminate, url } = yield* start(path)
      const port = Number(new URL(url).port)
      const fresh = yield* Connection.open(port, "")
      const busy = yield* Connection.open(port, streamed)
      yield* busy.until(/Hel/)
      yield* terminate
      yield* fresh.closed
      busy.write(chat)
      release()
      yield* busy.closed
      const [first, second] = busy.text().split(/(?=HTTP\/1\.1 503 )/)
      assert.match(first!, /^HTTP\/1\.1 200 [^]*lo\.[^]*\[DONE\]/)
      assert.match(second!, /\r\nConnection: close\r\n[^]*shutting_down/i)
      assert.strictEqual(upstream.received.length, 1)
      assert.strictEqual(yield* exitCode, 0)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("cuts off what has not finished when its time is over, and exits with 0", () =>
    Effect.gen(function*() {
      const upstream = yield* Server.http(() => {})
      const path = yield* write(JSON.stringify({
        port: 0,
        shutdownTimeout: "300 millis",
        relay: { health: "off" },
        endpoints: [{ id: "only", baseUrl: upstream.url }]
      }))
      const { exitCode, terminate, url } = yield* start(path)
      const busy = yield* Connection.open(Number(new URL(url).port), chat)
      yield* upstream.until(() => upstream.received.length === 1)
      yield* terminate
      yield* busy.closed
      yield* upstream.until(() => upstream.connections().open === 0)
      assert.notInclude(busy.text(), "200 OK")
      assert.strictEqual(yield* exitCode, 0)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.live("refuses options that cannot go together before it listens", () =>
    Effect.gen(function*() {
      const taken = yield* Server.http(() => {})
      const path = yield* write(JSON.stringify({
        port: Number(new URL(taken.url).port),
        circuitBreaker: { openFor: "1 minute", maxOpenFor: "1 second" },
        endpoints: [endpoint]
      }))
      const { exitCode, stderr } = yield* Effect.promise(() =>
        Program.node(["--conditions=effect-relay-source", main, "--config", path])
      )
      assert.strictEqual(exitCode, 1)
      assert.match(stderr, /maxOpenFor is .*, but it has to be at least openFor/)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it("says how it is called, and ends with an error, where no file is named", async () => {
    const { exitCode, stderr } = await Program.run(main)
    assert.deepStrictEqual([exitCode, stderr.trim()], [1, "usage: npm run gateway -- --config relay.json"])
  })
})
