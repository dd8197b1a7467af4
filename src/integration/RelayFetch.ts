/**
 * A relay as a `fetch`, for the clients that take one: `openai`, the AI SDK, and
 * code of your own.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Configuration from "../policy/Configuration.ts"
import type * as RelayService from "../relay/RelayService.ts"
import * as BaseUrl from "./BaseUrl.ts"
import * as Promised from "./Promised.ts"
import * as RelayResponse from "./RelayResponse.ts"
import * as StreamedRequest from "./StreamedRequest.ts"
import * as StreamedResponse from "./StreamedResponse.ts"

export {
  /**
   * The failure that a response of a relay stands for; `undefined` for an answer.
   *
   * @category getters
   * @since 0.1.0
   */
  failureOf
} from "./RelayResponse.ts"

export {
  /**
   * What runs effects.
   *
   * @category models
   * @since 0.1.0
   */
  type Runtime
} from "./Promised.ts"

/**
 * The options of a `fetch` over a relay.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * What the URLs of the callers begin with, in place of which comes the URL of
   * the endpoint; others are refused. Default: everything up to the first part of
   * the path that is a version, such as `/v1`.
   */
  readonly baseUrl?: string | undefined
  /** How long a request may take, attempts and waits included. Default: as long as its signal lets it. */
  readonly deadline?: Duration.Input | undefined
  /** Whose requests they are, and what for: they spend from those budgets of the relay, and stand in its reports of usage. */
  readonly tenant?: string | undefined
  readonly label?: string | undefined
  /** What runs the requests, with its clock, tracer and loggers. Default: Effect's own. */
  readonly runtime?: Promised.Runtime | undefined
}

const name = Schema.optional(
  Configuration.field((value): value is string => typeof value === "string", "it has to be a text")
)

const Settings = Schema.Struct({
  baseUrl: BaseUrl.field,
  deadline: Schema.optional(Configuration.durationOrForever),
  tenant: name,
  label: name,
  runtime: Configuration.field(
    (value): value is Promised.Runtime =>
      typeof value === "object" && value !== null && "runPromiseExit" in value &&
      typeof value.runPromiseExit === "function",
    "it has to be a ManagedRuntime, or something else with a runPromiseExit"
  )
})

const bodyOf = (request: Request): Effect.Effect<Uint8Array | undefined> =>
  request.body === null
    ? Effect.undefined
    // what goes wrong with the caller's own stream is the caller's to hear
    : Effect.map(Effect.promise(() => request.arrayBuffer()), (buffer) => new Uint8Array(buffer))

/**
 * A `fetch` that sends each request through the relay: the URL, the key and the
 * name for the model are those of the endpoint that is chosen.
 *
 * A chat with `stream: true` is streamed, in OpenAI's shape whichever dialect
 * answers; the relay's `stream` option says when another endpoint may take over.
 * A failure of the relay becomes the response by which clients of OpenAI know
 * it, and `failureOf` tells which it was. The promise rejects for what is no
 * matter of the relay: an abort, with the signal's reason, and what no `fetch`
 * can send. Throws `InvalidConfiguration` on an option that cannot work.
 *
 * ```ts no-run
 * import { Effect } from "effect"
 * import { RelayFetch, RelayService } from "effect-relay"
 * import OpenAI from "openai"
 *
 * export const ask = Effect.gen(function*() {
 *   const relay = yield* RelayService.RelayService
 *   const openai = new OpenAI({ apiKey: "the endpoints have their own", fetch: RelayFetch.make(relay) })
 *   return yield* Effect.promise((signal) =>
 *     openai.chat.completions.create({ model: "smart", messages: [{ role: "user", content: "Hi" }] }, { signal })
 *   )
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  relay: Pick<RelayService.RelayService, "send" | "stream">,
  options?: Options
): typeof globalThis.fetch => {
  const decoded = Configuration.decodeResult("RelayFetch", Settings, options, {
    runtime: { runPromiseExit: Effect.runPromiseExit }
  })
  const { baseUrl, deadline, label, runtime, tenant } = Result.getOrThrow(decoded)

  const answer = (request: Request, path: string, onResponse: (response: Response) => void): Effect.Effect<void> =>
    Effect.flatMap(bodyOf(request), (body) => {
      const { method, signal } = request
      const headers = Object.fromEntries(request.headers)
      const streamed = StreamedRequest.read(method, path, body)
      if (streamed !== undefined) {
        const options = { deadline, headers, label, tenant }
        return StreamedResponse.serve(relay, streamed, options, onResponse, signal)
      }
      return relay.send({ method, path, headers, body }, { deadline, label, tenant }).pipe(
        Effect.match({ onFailure: RelayResponse.fromFailure, onSuccess: RelayResponse.fromReply }),
        Effect.map(onResponse)
      )
    })

  return async (input, init) => {
    const request = new Request(input, init)
    const url = new URL(request.url)
    if (!/^https?:$/.test(url.protocol)) throw new TypeError(`${url.protocol} is no address of an API`)
    const path = BaseUrl.below(url, baseUrl)
    if (path === undefined) throw new TypeError(`${request.url.replace(/\?.*$/, "")} is not below ${baseUrl}`)
    // a stream goes on after its response is there
    return new Promise((resolve, reject) => {
      Promised.run(runtime, answer(request, path, resolve), request.signal).catch(reject)
    })
  }
}
