/**
 * A relay as Effect's own `LanguageModel`: text, objects, tools and streams from
 * whichever endpoint answers.
 *
 * @since 0.1.0
 */
import * as AiError from "effect/ai/AiError"
import * as LanguageModel from "effect/ai/LanguageModel"
import type * as Response from "effect/ai/Response"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Label from "../endpoint/Label.ts"
import * as Configuration from "../policy/Configuration.ts"
import type * as RelayError from "../relay/RelayError.ts"
import * as RelayService from "../relay/RelayService.ts"
import * as AiAnswer from "./AiAnswer.ts"
import * as AiPrompt from "./AiPrompt.ts"
import * as AiReason from "./AiReason.ts"

export {
  /**
   * The reason in an `AiError` that a failure of a relay is.
   *
   * @category converting
   * @since 0.1.0
   */
  fromFailure,
  /**
   * When it is worth coming again.
   *
   * @category getters
   * @since 0.1.0
   */
  retryAfter,
  /**
   * What an `AiError` is to a relay.
   *
   * @category converting
   * @since 0.1.0
   */
  toFailure
} from "./AiReason.ts"

/**
 * What can be said about requests beside the prompt.
 *
 * @category models
 * @since 0.1.0
 */
export interface RequestOptions {
  /** Fields of the chat request, such as `temperature` and `max_tokens`. */
  readonly request?: Readonly<Record<string, unknown>> | undefined
  /** Goes with every `chat`: tenant, deadline, affinity and the like. */
  readonly chat?: RelayService.ChatOptions | undefined
  /** Goes with every `stream`: deadline, commit point and the like. */
  readonly stream?: RelayService.StreamOptions | undefined
}

/**
 * The options of a language model over a relay.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends RequestOptions {
  /** The model, by the name that the endpoints know it by. */
  readonly model: string
}

const options = Schema.optional(Configuration.field(
  (value): value is object => typeof value === "object" && value !== null && !Array.isArray(value),
  "it has to be an object of options"
))

const Settings = Schema.Struct({
  model: Configuration.field(
    (value): value is string => typeof value === "string" && value.trim() !== "",
    "it has to be a text that is not empty"
  ),
  request: options,
  chat: options,
  stream: options
})

/**
 * What is said of the requests of some effect, over the options of the language
 * model.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { RelayLanguageModel } from "effect-relay"
 * import { LanguageModel } from "effect/ai"
 *
 * export const ask = (tenant: string, prompt: string) =>
 *   LanguageModel.generateText({ prompt }).pipe(
 *     Effect.provideService(RelayLanguageModel.Overrides, { chat: { tenant, deadline: "20 seconds" } })
 *   )
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const Overrides: Context.Reference<RequestOptions> = Context.Reference<RequestOptions>(
  "effect-relay/integration/RelayLanguageModel/Overrides",
  { defaultValue: () => ({}) }
)

/** The options of one call. */
const over = (base: Options): Effect.Effect<Required<Options>> =>
  Effect.map(Overrides, (own): Required<Options> => ({
    model: base.model,
    request: { ...base.request, ...own.request },
    chat: { ...base.chat, ...own.chat },
    stream: { ...base.stream, ...own.stream }
  }))

type Method = "generateText" | "streamText"

const errorFrom = (method: Method, reason: AiError.AiErrorReason): AiError.AiError =>
  AiError.make({ module: "RelayLanguageModel", method, reason })

const said = <A>(method: Method, result: Result.Result<A, AiError.AiErrorReason>): Effect.Effect<A, AiError.AiError> =>
  Effect.mapError(Effect.fromResult(result), (reason) => errorFrom(method, reason))

const failed = (method: Method) => (failure: RelayError.StreamError): Effect.Effect<never, AiError.AiError> =>
  Effect.flatMap(
    Clock.currentTimeMillis,
    (now) => Effect.fail(errorFrom(method, AiReason.fromFailure(failure, now)))
  )

const generate = (relay: RelayService.RelayService, base: Options) =>
  Effect.fnUntraced(function*(
    asked: LanguageModel.ProviderOptions
  ): Effect.fn.Return<Array<Response.PartEncoded>, AiError.AiError> {
    const { chat, model, request } = yield* over(base)
    const message = yield* said("generateText", AiPrompt.toChat(asked, model, request!))
    const reply = yield* relay.chat(message, chat).pipe(Effect.catch(failed("generateText")))
    return yield* said("generateText", AiAnswer.parts(reply, asked.responseFormat.type, yield* Label.make))
  })

const stream = (relay: RelayService.RelayService, base: Options) =>
(
  asked: LanguageModel.ProviderOptions
): Stream.Stream<Response.StreamPartEncoded, AiError.AiError> =>
  Stream.unwrap(Effect.gen(function*() {
    const { model, request, stream } = yield* over(base)
    const message = yield* said("streamText", AiPrompt.toChat(asked, model, request!))
    const writer = new AiAnswer.Writer(yield* Label.make)
    // there is no part for what was said and does not count
    return relay.stream(message, { ...stream, restart: false }).pipe(
      Stream.catch((failure) => Stream.fromEffect(failed("streamText")(failure))),
      Stream.mapEffect((chunk) => said("streamText", writer.write(chunk))),
      Stream.flatMap(Stream.fromIterable)
    )
  }))

/**
 * A language model over a relay.
 *
 * Fails with `InvalidConfiguration` on an option that cannot work.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  relay: RelayService.RelayService,
  options: Options
): Effect.Effect<LanguageModel.LanguageModel, Configuration.InvalidConfiguration> =>
  Effect.flatMap(Configuration.decode("RelayLanguageModel", Settings, options, {}), () =>
    LanguageModel.make({
      generateText: generate(relay, options),
      streamText: stream(relay, options),
      codecTransformer: AiPrompt.transform
    }))

/**
 * Effect's `LanguageModel` over the relay: `generateText`, `generateObject`,
 * `streamText`, tools and usage, from whichever endpoint answers. Failures of the
 * relay come as `AiError`, with `retryAfter` where there is one.
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { RelayLanguageModel, RelayService } from "effect-relay"
 * import { ScriptedEndpoint } from "effect-relay/testing"
 * import { LanguageModel } from "effect/ai"
 *
 * const primary = ScriptedEndpoint.make("primary", [ScriptedEndpoint.status(503)])
 * const backup = ScriptedEndpoint.make("backup", [ScriptedEndpoint.answer("Bern.")], { tier: 1 })
 *
 * const Model = RelayLanguageModel.layer({ model: "small" }).pipe(
 *   Layer.provide(RelayService.layerDefault({ endpoints: [primary.endpoint, backup.endpoint] })),
 *   Layer.provide(ScriptedEndpoint.layer(primary, backup))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const { text, usage } = yield* LanguageModel.generateText({ prompt: "What is the capital of Switzerland?" })
 *   console.log(text, usage.outputTokens.total, "tokens")
 * })
 *
 * await Effect.runPromise(Effect.provide(program, Model))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<LanguageModel.LanguageModel, Configuration.InvalidConfiguration, RelayService.RelayService> =>
  Layer.effect(
    LanguageModel.LanguageModel,
    Effect.flatMap(RelayService.RelayService, (relay) => make(relay, options))
  )
