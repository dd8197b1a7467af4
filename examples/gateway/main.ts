/**
 * A relay as a server of its own: `npm run gateway -- --config relay.json`.
 *
 * It ends on SIGINT and SIGTERM, with 0, after the calls under way have had their time.
 */
import { NodeFileSystem, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Cause, Console, Effect, Exit, Layer, Result } from "effect"
import { Bulkhead, CircuitBreaker, RateLimiter, RelayGateway, RelayService, ResponseCache } from "effect-relay"
import { FetchHttpClient, HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { parseArgs } from "node:util"
import { EndingServer } from "./EndingServer.ts"
import * as Endpoints from "./Endpoints.ts"
import * as GatewayConfig from "./GatewayConfig.ts"
import * as Journal from "./Journal.ts"
import * as Keys from "./Keys.ts"

const usage = "usage: npm run gateway -- --config relay.json"

const loopback = new Set(["127.0.0.1", "::1", "localhost"])

// an address below none of the routes, such as one without /v1
const elsewhere = HttpRouter.add("*", "/*", ({ url }) =>
  Effect.succeed(HttpServerResponse.jsonUnsafe({
    error: {
      message: `there is nothing at ${url.replace(/\?.*$/s, "")}: the API begins at /v1`,
      type: "invalid_request_error",
      param: null,
      code: "not_found"
    }
  }, { status: 404 })))

const announce = Effect.fnUntraced(function*({ apiKeysFrom, host }: GatewayConfig.GatewayConfig) {
  const { address } = yield* HttpServer.HttpServer
  const { status } = yield* RelayService.RelayService
  const endpoints = (yield* status).map(({ id, tier }) => `${id} (tier ${tier})`)
  yield* Console.log(`${HttpServer.formatAddress(address)}/v1 stands for ${endpoints.join(", ")}`)
  if (apiKeysFrom === undefined && !loopback.has(host)) {
    yield* Console.warn("Whoever reaches this address may spend what your keys pay for: name a key in apiKeysFrom.")
  }
})

const cannotListen = ({ host, port }: GatewayConfig.GatewayConfig, cause: unknown) =>
  new Error(`cannot listen at ${host}, port ${port}: ${cause instanceof Error ? cause.message : String(cause)}`)

const gateway = Effect.fnUntraced(function*(file: string) {
  const config = yield* GatewayConfig.read(file)
  const endpoints = yield* Endpoints.make(file, config)
  const apiKeys = config.apiKeysFrom === undefined ? undefined : yield* Effect.forEach(
    config.apiKeysFrom,
    (name, index) => Keys.of(file, `apiKeysFrom.${index}`, name)
  )
  const { bulkhead, circuitBreaker, deadline, host, maxRequestBytes, port, relay, shutdownTimeout } = config

  const RelayLive = RelayService.layer({ ...relay, endpoints }).pipe(
    Layer.provide([
      CircuitBreaker.layer(circuitBreaker),
      Bulkhead.layer(bulkhead),
      RateLimiter.layer(),
      ResponseCache.layer()
    ]),
    Layer.provide(FetchHttpClient.layer)
  )
  const Routes = Layer.merge(RelayGateway.layer({ apiKeys, deadline, maxRequestBytes }), elsewhere)
  const listener = new EndingServer()
  const server = NodeHttpServer.layerServer(() => listener, { host, port, gracefulShutdownTimeout: shutdownTimeout })
    .pipe(
      Layer.catch(({ cause }) => Layer.effect(HttpServer.HttpServer, Effect.fail(cannotListen(config, cause))))
    )
  return HttpRouter.serve(Routes, {
    disableLogger: true,
    disableListenLog: true,
    middleware: listener.middleware
  }).pipe(
    Layer.provideMerge(Layer.merge(Layer.effectDiscard(announce(config)), Journal.layer)),
    Layer.provide(server),
    // first of all, so that what it refuses is refused before anything listens
    Layer.provide(RelayLive)
  )
})

const fileIn = (args: ReadonlyArray<string>): string | undefined =>
  Result.getOrUndefined(Result.try(() => parseArgs({ args: [...args], options: { config: { type: "string" } } })))
    ?.values.config

const program = Effect.suspend(() => {
  const file = fileIn(process.argv.slice(2))
  if (file === undefined) return Effect.fail(new Error(usage))
  return Layer.launch(Layer.unwrap(gateway(file)))
})

NodeRuntime.runMain(
  program.pipe(
    Effect.tapError(({ message }) => Console.error(message)),
    Effect.provide(NodeFileSystem.layer)
  ),
  {
    disableErrorReporting: true,
    // a signal is how a gateway ends
    teardown: (exit, end) => end(Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause) ? 1 : 0)
  }
)
