/**
 * Endpoints that play a script and remember what reached them: a relay above
 * them runs as in production, without a network and in virtual time.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { openai } from "../endpoint/dialect/OpenAi.ts"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import type { Part, Step } from "./Step.ts"
import { body, status } from "./Step.ts"

export * from "./Step.ts"

/**
 * An endpoint and its script: each request plays the next step, and the last
 * step plays for ever.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScriptedEndpoint {
  readonly id: string
  /** The description to give to a relay. */
  readonly endpoint: Endpoint.Options
  readonly script: readonly [Step, ...Array<Step>]
}

const host = "http://scripted.test"

/**
 * An endpoint that plays this script; `options` go into its description.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  id: string,
  script: readonly [Step, ...Array<Step>],
  options?: Omit<Endpoint.Options, "id" | "baseUrl">
): ScriptedEndpoint => ({
  id,
  script,
  endpoint: {
    apiKey: Redacted.make(`key-of-${id}`),
    ...options,
    id,
    baseUrl: `${host}/${encodeURIComponent(id)}/v1`
  }
})

/**
 * A chat request as it reached an endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export interface Received {
  /** Virtual time, epoch milliseconds. */
  readonly at: number
  readonly headers: Readonly<Record<string, string>>
  /** The decoded JSON body. */
  readonly body: { readonly [field: string]: unknown }
  /** Whether the caller went away before the reply, or before the end of one that is streamed. */
  readonly cancelled: boolean
  /** How many packets of a streamed reply were taken so far. */
  readonly packets: number
}

/**
 * What the scripted endpoints remember.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recorder {
  /** The chat requests that reached an endpoint, in order. */
  readonly received: (id: string) => Effect.Effect<ReadonlyArray<Received>>
  /** How often its health was checked. */
  readonly checks: (id: string) => Effect.Effect<number>
  /** Gives an endpoint another script, from its first step. */
  readonly play: (id: string, script: readonly [Step, ...Array<Step>]) => Effect.Effect<void>
  /** What health checks get. Default: an empty list of models. */
  readonly playChecks: (id: string, step: Step) => Effect.Effect<void>
}

/**
 * The memory of the scripted endpoints, to ask in a test.
 *
 * @category services
 * @since 0.1.0
 */
export const Recorder: Context.Service<Recorder, Recorder> = Context.Service<Recorder>(
  "effect-relay/testing/ScriptedEndpoint/Recorder"
)

interface Stage {
  readonly chatPath: RegExp
  script: readonly [Step, ...Array<Step>]
  next: number
  check: Step
  checks: number
  readonly received: Array<Remembered>
}

type Remembered = { -readonly [K in keyof Received]: Received[K] }

const lost = (request: HttpClientRequest.HttpClientRequest, code: string): HttpClientError.HttpClientError =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request, cause: Object.assign(new Error(code), { code }) })
  })

const utf8 = new TextEncoder()

/** A body in parts, in the time of whoever reads it. */
const playParts = (
  parts: ReadonlyArray<Part>,
  request: HttpClientRequest.HttpClientRequest,
  received: Remembered
): Stream.Stream<Uint8Array, HttpClientError.HttpClientError> =>
  Stream.suspend(() => {
    let next = 0
    let isOver = false
    type Pull = Effect.Effect<readonly [Uint8Array], HttpClientError.HttpClientError | Cause.Done>
    const pull: Pull = Effect.suspend((): Pull => {
      const part = parts[next++]
      if (part === undefined) {
        isOver = true
        return Cause.done()
      }
      if (typeof part === "string" || part instanceof Uint8Array) {
        received.packets++
        return Effect.succeed([typeof part === "string" ? utf8.encode(part) : part])
      }
      if ("wait" in part) return Effect.andThen(Effect.sleep(part.wait), pull)
      if (part.fault === "silence") return Effect.never
      isOver = true
      return Effect.fail(lost(request, "ECONNRESET"))
    })
    return Stream.ensuring(
      Stream.fromPull(Effect.succeed(pull)),
      Effect.sync(() => {
        if (!isOver) received.cancelled = true
      })
    )
  })

const perform = (
  step: Step,
  request: HttpClientRequest.HttpClientRequest,
  received?: Remembered
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError> => {
  if (step._tag === "Reply") {
    const bodiless = step.status === 204 || step.status === 304
    return Effect.sync(() =>
      HttpClientResponse.fromWeb(
        request,
        new Response(bodiless ? null : step.body, { status: step.status, headers: step.headers })
      )
    )
  }
  if (step._tag === "Stream") {
    return Effect.sync(() => {
      const response = HttpClientResponse.fromWeb(request, new Response(null, { status: 200, headers: step.headers }))
      const body = received === undefined ? Stream.empty : playParts(step.parts, request, received)
      return Object.create(response, { stream: { get: () => body } })
    })
  }
  switch (step.fault) {
    case "refused":
      return Effect.fail(lost(request, "ECONNREFUSED"))
    case "silence":
      return Effect.never
    case "reset":
      return Effect.sync(() => {
        let begun = false
        const cut = new ReadableStream<Uint8Array>({
          pull: (controller) => {
            if (begun) return controller.error(Object.assign(new Error("ECONNRESET"), { code: "ECONNRESET" }))
            begun = true
            controller.enqueue(new TextEncoder().encode("{\"choices\":[{\"index\":0,\"mess"))
          }
        })
        return HttpClientResponse.fromWeb(
          request,
          new Response(cut, { status: 200, headers: { "content-type": "application/json" } })
        )
      })
  }
}

const decodeBody = (request: HttpClientRequest.HttpClientRequest): Received["body"] => {
  const { body } = request
  if (body._tag !== "Uint8Array") return {}
  return JSON.parse(new TextDecoder().decode(body.body))
}

// where a chat in the endpoint's dialect arrives, below the part of the path that names the endpoint
const chatPathOf = ({ endpoint: { dialect = openai } }: ScriptedEndpoint): RegExp => {
  const parts = `/v1${dialect.chatPath}`.split("?")[0]!.split("{model}")
  return new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("[^/]+")}$`)
}

const emptyList = body("{\"object\":\"list\",\"data\":[]}")

/**
 * An `HttpClient` that knows only these endpoints, and their memory. Every build
 * of the layer starts all scripts anew.
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { RelayService } from "effect-relay"
 * import { ScriptedEndpoint } from "effect-relay/testing"
 *
 * const primary = ScriptedEndpoint.make("primary", [ScriptedEndpoint.status(503)])
 * const backup = ScriptedEndpoint.make("backup", [ScriptedEndpoint.answer("Hello.")], { tier: 1 })
 *
 * const RelayTest = RelayService.layerDefault({ endpoints: [primary.endpoint, backup.endpoint] }).pipe(
 *   Layer.provideMerge(ScriptedEndpoint.layer(primary, backup))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const relay = yield* RelayService.RelayService
 *   const answer = yield* relay.chat({ model: "any", messages: [{ role: "user", content: "Hi" }] })
 *   console.log(answer.text, "from", answer.meta.endpoint)
 * })
 *
 * Effect.runPromise(Effect.provide(program, RelayTest))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (...endpoints: ReadonlyArray<ScriptedEndpoint>): Layer.Layer<HttpClient.HttpClient | Recorder> =>
  Layer.effectContext(Effect.sync(() => {
    const stages = new Map<string, Stage>(
      endpoints.map((endpoint) => [endpoint.id, {
        chatPath: chatPathOf(endpoint),
        script: endpoint.script,
        next: 0,
        check: emptyList,
        checks: 0,
        received: []
      }])
    )

    const stageOf = (id: string): Stage => {
      const stage = stages.get(id)
      if (stage === undefined) {
        throw new Error(`no scripted endpoint "${id}"; there are: ${Array.from(stages.keys()).join(", ")}`)
      }
      return stage
    }

    const client = HttpClient.make((request, url) => {
      const [, id = "", ...path] = url.pathname.split("/")
      const stage = url.origin === host ? stages.get(decodeURIComponent(id)) : undefined
      if (stage === undefined) return Effect.fail(lost(request, "ENOTFOUND"))
      if (request.method === "GET") {
        stage.checks++
        return Effect.andThen(Effect.sleep(stage.check.delay), perform(stage.check, request))
      }
      if (!stage.chatPath.test(`/${path.join("/")}`)) return perform(status(404), request)
      return Effect.flatMap(Clock.currentTimeMillis, (at) => {
        const received: Remembered = {
          at,
          headers: { ...request.headers },
          body: decodeBody(request),
          cancelled: false,
          packets: 0
        }
        stage.received.push(received)
        const step = stage.script[Math.min(stage.next, stage.script.length - 1)]!
        stage.next++
        const reply = Duration.isZero(step.delay)
          ? perform(step, request, received)
          : Effect.andThen(Effect.sleep(step.delay), perform(step, request, received))
        return Effect.onInterrupt(reply, () =>
          Effect.sync(() => {
            received.cancelled = true
          }))
      })
    })

    return Context.make(HttpClient.HttpClient, client).pipe(
      Context.add(Recorder, {
        received: (id) => Effect.sync(() => stageOf(id).received.map((received) => ({ ...received }))),
        checks: (id) => Effect.sync(() => stageOf(id).checks),
        play: (id, script) =>
          Effect.sync(() => {
            const stage = stageOf(id)
            stage.script = script
            stage.next = 0
          }),
        playChecks: (id, step) =>
          Effect.sync(() => {
            stageOf(id).check = step
          })
      })
    )
  }))
