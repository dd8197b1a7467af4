/**
 * What a dialect is: data and small functions that say how one kind of API is
 * asked, and how it answers.
 *
 * @since 0.1.0
 */
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Configuration from "../../policy/Configuration.ts"
import type { RateLimited } from "../../policy/RateLimiter.ts"
import type * as ChatAnswer from "../ChatAnswer.ts"
import type * as ChatRequest from "../ChatRequest.ts"
import * as HttpHeader from "../HttpHeader.ts"
import * as Meaning from "../Meaning.ts"
import * as Named from "../Named.ts"
import type * as StreamPiece from "../StreamPiece.ts"
import type * as WireError from "../WireError.ts"

/**
 * Whose limit a 429 tells of.
 *
 * @category models
 * @since 0.1.0
 */
export type LimitScope = NonNullable<RateLimited["scope"]>

/**
 * How one kind of API is asked, and how it answers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Dialect {
  readonly name: string
  /** Where a chat is posted, below the base URL; `{model}` is the endpoint's name for the model. */
  readonly chatPath: string
  /**
   * Where OpenAI's other paths are here, below the base URL: `{path}` stands for the path, `{model}` for the endpoint's
   * name of the model. `ofModel` is for those that ask one model, such as `/embeddings`. Without it they are where
   * OpenAI has them; with a `write` of its own and without this, an API has none of them.
   */
  readonly otherPaths?: { readonly ofModel: string; readonly others: string } | undefined
  /** Where a GET costs nothing, for health checks; where there is none, the relay's `health.path`. */
  readonly healthPath?: string | undefined
  /** The header that the key goes in, and what stands before it. */
  readonly key: { readonly header: string; readonly scheme?: string | undefined }
  /** What is sent with every request, such as a version; an endpoint's own `headers` go before these. */
  readonly headers: Readonly<Record<string, string>>
  /** Fields of a request that has none of its own. */
  readonly defaults: Readonly<Record<string, unknown>>
  /** The body of a request, or what of the request cannot be said; without it a request goes as it is. */
  readonly write?: ((request: ChatRequest.ChatRequest) => Result.Result<unknown, string>) | undefined
  /** What a body without an error says. */
  readonly read: (body: unknown) => Result.Result<ChatAnswer.Draft, ChatAnswer.Flaw>
  /** The error in a body, if it has one. */
  readonly error: (body: unknown) => WireError.WireError | undefined
  /** How an answer is streamed; an API without it is asked for whole answers, and each comes in one go. */
  readonly stream?: Streaming | undefined
  /** What its codes mean, in lower case, where the words that everybody uses do not tell. */
  readonly words: Meaning.Words
  /** What everybody calls its reasons to stop: `stop`, `length`, `tool_calls`, `content_filter`, `error`. */
  readonly finishReasons: Readonly<Record<string, string>>
  /** Whose limit a 429 tells of, where error or headers show it. */
  readonly limitScope?:
    | ((error: WireError.WireError | undefined, headers: Headers) => LimitScope | undefined)
    | undefined
}

/**
 * How one kind of API streams its answers, as server-sent events.
 *
 * @category models
 * @since 0.1.0
 */
export interface Streaming {
  /** Fields of a request that ask for a stream, beside what `write` makes of it. */
  readonly fields: Readonly<Record<string, unknown>>
  /**
   * Made anew for each stream: what the JSON of one event says, or what is wrong with it. Events that tell of an error
   * never come here, nor does `[DONE]`.
   */
  readonly reader: () => (event: unknown) => Result.Result<ReadonlyArray<StreamPiece.StreamPiece>, string>
  /** Fields of the last message, if that is the beginning of the answer, beside its role and content. */
  readonly prefill?: Readonly<Record<string, unknown>> | undefined
}

/**
 * Response headers, their names in lower case.
 *
 * @category models
 * @since 0.1.0
 */
export type Headers = Readonly<Record<string, string | undefined>>

const path = Configuration.field(
  (value): value is string => typeof value === "string" && /^\/[\x21-\x7e]*$/.test(value),
  "it has to be a path that begins with / and holds nothing but visible ASCII"
)

const headerName = Configuration.field(HttpHeader.isName, HttpHeader.nameRule)

const headerValue = Configuration.field(HttpHeader.isValue, "it has to be a text that a header can hold")

const fn = Configuration.field(
  (value): value is (...input: ReadonlyArray<never>) => unknown => typeof value === "function",
  "it has to be a function"
)

const word = Configuration.field(
  (value): value is Meaning.Meaning => Meaning.meanings.some((meaning) => meaning === value),
  `it has to be one of ${Meaning.meanings.map((meaning) => `"${meaning}"`).join(", ")}`
)

/**
 * What a dialect has to be.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Settings = Schema.Struct({
  name: Configuration.field(
    (value): value is string => typeof value === "string" && value.trim() !== "",
    "it has to be a text that is not empty"
  ),
  chatPath: path,
  otherPaths: Schema.optional(Schema.Struct({ ofModel: path, others: path })),
  healthPath: Schema.optional(path),
  key: Schema.Struct({ header: headerName, scheme: Schema.optional(headerValue) }),
  headers: Named.record(HttpHeader.isName, HttpHeader.nameRule, headerValue),
  defaults: Schema.StructWithRest(Schema.Struct({ max_tokens: Schema.optional(Configuration.integer(1)) }), [
    Schema.Record(Schema.String, Schema.Unknown)
  ]),
  write: Schema.optional(fn),
  read: fn,
  error: fn,
  stream: Schema.optional(Schema.Struct({
    fields: Schema.Record(Schema.String, Schema.Unknown),
    reader: fn,
    prefill: Schema.optional(Schema.Record(Schema.String, Schema.Unknown))
  })),
  words: Named.record((code) => code === code.toLowerCase(), "its name has to be in lower case", word),
  finishReasons: Schema.Record(Schema.String, Schema.String),
  limitScope: Schema.optional(fn)
})
