/**
 * One API that can answer: where it is, whose it is, what it may be asked.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Bulkhead from "../policy/Bulkhead.ts"
import type * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as Configuration from "../policy/Configuration.ts"
import type * as RateLimiter from "../policy/RateLimiter.ts"
import * as Capabilities from "./Capabilities.ts"
import type * as ChatAnswer from "./ChatAnswer.ts"
import * as Dialect from "./dialect/Definition.ts"
import { openai } from "./dialect/OpenAi.ts"
import * as Health from "./Health.ts"
import * as HttpHeader from "./HttpHeader.ts"
import * as Id from "./Id.ts"
import * as Named from "./Named.ts"
import type * as Prices from "./Prices.ts"
import * as Tariff from "./Tariff.ts"

/**
 * The limits an endpoint is known to have.
 *
 * @category models
 * @since 0.1.0
 */
export interface Limits {
  /** From 1 up. */
  readonly requestsPerMinute?: number | undefined
  /** Prompt and completion tokens together, from 1 up. */
  readonly tokensPerMinute?: number | undefined
  /** Calls at once, from 1 up. */
  readonly concurrency?: number | undefined
}

export {
  /**
   * What a million tokens cost, in dollars.
   *
   * @category models
   * @since 0.1.0
   */
  type Prices
} from "./Prices.ts"

/**
 * The description of an endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Its name, unique in a relay and on one line; it stands in errors, events, metrics and response headers. */
  readonly id: string
  /** Where its API begins, such as `https://api.openai.com/v1`; without one it serves `execute` only. */
  readonly baseUrl?: string | undefined
  /** How it is asked and how it answers, such as `Dialect.anthropic()`. Default: `Dialect.openai`. */
  readonly dialect?: Dialect.Dialect | undefined
  /** The key, which is sent in the header of the dialect: as a bearer token by default. */
  readonly apiKey?: Redacted.Redacted | undefined
  /** Who pays: endpoints of one account share its quota. Default: the endpoint's own id. */
  readonly account?: string | undefined
  /** The models it serves, or what it calls each model. Default: any, by the name it is asked for. */
  readonly models?: ReadonlyArray<string> | Readonly<Record<string, string>> | undefined
  /** Endpoints of a lower tier are asked first. From 0 up, default 0. */
  readonly tier?: number | undefined
  /** How large its share of the calls of its tier is to be, beside those of the others. Above 0, default 1. */
  readonly weight?: number | undefined
  /**
   * What it can do, of all its models at once or by the names you use for them, each of them one of `models`; what is
   * not said counts as can. It is not asked what it cannot.
   */
  readonly capabilities?:
    | Capabilities.Capabilities
    | Readonly<Record<string, Capabilities.Capabilities>>
    | undefined
  /** Whether it goes on from an answer that somebody else began, given as the last message. Default: false. */
  readonly prefill?: boolean | undefined
  readonly limits?: Limits | undefined
  /**
   * What it charges: for all models, for each by the names you use for them, or a `PriceTable`, in which its own names for
   * them are looked up. Default: nobody knows, so that it is asked for nothing that has a budget in dollars.
   */
  readonly prices?: Tariff.Options | undefined
  /** Headers sent with every request, beside the key's; wrap the secret ones in `Redacted`. */
  readonly headers?: Readonly<Record<string, string | Redacted.Redacted>> | undefined
  /**
   * What else an answer has to be, besides valid: a text says what is wrong, and makes the answer an
   * `InvalidResponse` of the reason `Rejected`. One that throws has found something wrong as well.
   */
  readonly validate?: ((answer: ChatAnswer.ChatAnswer) => string | undefined) | undefined
  /** How long one attempt may take, body included; over the relay's own. */
  readonly attemptTimeout?: Duration.Input | undefined
  /** Options of its circuit over those of the `CircuitBreaker` layer. */
  readonly circuitBreaker?: CircuitBreaker.Options | undefined
  /** Options of its bulkhead over those of the `Bulkhead` layer. */
  readonly bulkhead?: Bulkhead.Options | undefined
  /**
   * Options of its limiter over those of the `RateLimiter` layer and over its `limits`, such as the `burst` that its
   * account allows, or its `algorithm` where that is known.
   */
  readonly rateLimiter?: RateLimiter.Options | undefined
  /** How it is checked. Default: as the relay's `health` says; where that is `"off"`, not at all. */
  readonly health?: Health.Health | undefined
}

// shares are compared with each other: what differs by more is no share
const heaviest = 1_000_000

const isText = (value: unknown): value is string => typeof value === "string" && value.trim() !== ""

const text = Configuration.field(isText, "it has to be a text that is not empty")

const isUrl = (value: unknown): value is string => {
  if (typeof value !== "string" || !URL.canParse(value)) return false
  const { hash, password, protocol, search, username } = new URL(value)
  return (protocol === "http:" || protocol === "https:") &&
    [hash, password, search, username].every((part) => part === "")
}

const url = Configuration.field(
  isUrl,
  "it has to be a URL that begins with http:// or https://, without user, password, query and fragment"
)

const isRedacted = (value: unknown): value is Redacted.Redacted => Redacted.isRedacted(value)

const isKey = (value: unknown): value is Redacted.Redacted => {
  if (!isRedacted(value)) return false
  const key = Redacted.value(value)
  return isText(key) && /^[\x21-\x7e]+$/.test(key)
}

const overrides = Configuration.field(
  (value): value is object => typeof value === "object" && value !== null && !Array.isArray(value),
  "it has to be an object of options"
)

const models = Configuration.field(
  (value): value is ReadonlyArray<string> | Readonly<Record<string, string>> =>
    typeof value === "object" && value !== null && Object.keys(value).length > 0 && Object.values(value).every(isText),
  "it has to be a list of names, or an object from the names you use to the endpoint's own"
)

const header = Configuration.field(
  (value): value is string | Redacted.Redacted =>
    HttpHeader.isValue(value) || (isRedacted(value) && HttpHeader.isValue(Redacted.value(value))),
  "it has to be a text that a header can hold, wrapped in Redacted.make where it is secret"
)

const validator = Configuration.field(
  (value): value is NonNullable<Options["validate"]> => typeof value === "function",
  "it has to be a function from an answer to what is wrong with it, or undefined"
)

const limit = Schema.optional(Configuration.integer(1))

const weight = Configuration.field(
  (value): value is number => typeof value === "number" && value > 0 && value <= heaviest,
  "it has to be a number above 0, and at most a million"
)

const Settings = Schema.Struct({
  id: Id.field,
  baseUrl: Schema.optional(url),
  dialect: Schema.optional(Dialect.Settings),
  apiKey: Schema.optional(
    Configuration.field(isKey, "it has to be wrapped, Redacted.make(key), and hold nothing but visible ASCII")
  ),
  account: text,
  models: Schema.optional(models),
  tier: Configuration.integer(0),
  weight,
  // checked by itself: it comes in two forms
  capabilities: overrides,
  prefill: Configuration.flag,
  limits: Schema.Struct({ requestsPerMinute: limit, tokensPerMinute: limit, concurrency: limit }),
  // checked by itself: it comes in three forms
  prices: Schema.optional(overrides),
  headers: Named.record(HttpHeader.isName, HttpHeader.nameRule, header),
  validate: Schema.optional(validator),
  attemptTimeout: Schema.optional(Configuration.duration),
  // checked by their policies, against the layer's options
  circuitBreaker: overrides,
  bulkhead: overrides,
  rateLimiter: overrides,
  health: Health.Settings
})

/**
 * An endpoint whose description was found to be sound. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Endpoint {
  readonly id: string
  readonly baseUrl: string | undefined
  readonly dialect: Dialect.Dialect
  readonly apiKey: Redacted.Redacted | undefined
  readonly account: string
  readonly models: ReadonlyMap<string, string> | "any"
  readonly tier: number
  readonly weight: number
  readonly capabilities: Capabilities.Offers
  readonly prefill: boolean
  readonly limits: Limits
  readonly prices: Tariff.Tariff
  readonly headers: Readonly<Record<string, string | Redacted.Redacted>>
  readonly validate: ((answer: ChatAnswer.ChatAnswer) => string | undefined) | undefined
  readonly attemptTimeout: number | undefined
  readonly circuitBreaker: CircuitBreaker.Options
  readonly bulkhead: Bulkhead.Options
  readonly rateLimiter: RateLimiter.Options
  readonly health: Health.Health
}

const namesOf = (models: Options["models"]): Endpoint["models"] => {
  if (models === undefined) return "any"
  return new Map(Array.isArray(models) ? models.map((model) => [model, model]) : Object.entries(models))
}

// ten thousand endpoints without options of their own share one object of none
const none = Object.freeze({})

const orNone = <A extends object>(options: A): A => Object.keys(options).length === 0 ? none as A : options

const decode = (options: Options) => {
  const subject = `Endpoint ${isText(options?.id) ? JSON.stringify(options.id) : "without an id"}`
  const defaults = {
    account: options?.id,
    tier: 0,
    weight: 1,
    capabilities: {},
    prefill: false,
    limits: {},
    headers: {},
    circuitBreaker: {},
    bulkhead: {},
    rateLimiter: {},
    health: {}
  }
  return Result.map(
    Configuration.decodeResult(subject, Settings, options, defaults, ["apiKey", "headers"]),
    (settings) => ({ subject, settings })
  )
}

// code without types may hand in anything, also what throws when it is looked at
const read = (options: Options): ReturnType<typeof decode> => {
  try {
    return decode(options)
  } catch {
    const rule = "it has to be an object whose fields can be read"
    const flaw = { subject: "Endpoint", field: "options", value: typeof options, rule }
    return Result.fail(new Configuration.InvalidConfiguration(flaw))
  }
}

/**
 * Checks a description; a relay does this for the endpoints it is given.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<Endpoint, Configuration.InvalidConfiguration> {
  const { settings, subject } = yield* Effect.fromResult(read(options))
  const models = namesOf(settings.models)
  const serves = (model: string) => models === "any" || models.has(model)
  const endpoint: Endpoint = {
    id: settings.id,
    baseUrl: settings.baseUrl?.replace(/\/+$/, ""),
    // endpoints of one dialect share it
    dialect: options.dialect ?? openai,
    apiKey: settings.apiKey,
    account: settings.account,
    models,
    tier: settings.tier,
    weight: settings.weight,
    capabilities: yield* Capabilities.decode(subject, options.capabilities, serves),
    prefill: settings.prefill,
    limits: orNone(settings.limits),
    prices: yield* Effect.fromResult(Tariff.decode(subject, options.prices, models)),
    headers: orNone(settings.headers),
    validate: settings.validate,
    attemptTimeout: settings.attemptTimeout,
    // copies: what their owner does to them later would go unnoticed
    circuitBreaker: orNone({ ...options.circuitBreaker }),
    bulkhead: orNone({ ...options.bulkhead }),
    rateLimiter: orNone({ ...options.rateLimiter }),
    health: orNone(settings.health)
  }
  const flaw = Health.flaw(endpoint)
  if (flaw !== undefined) return yield* new Configuration.InvalidConfiguration({ subject, ...flaw })
  return endpoint
})

/**
 * What the endpoint charges for a model, by the name that callers use; `undefined` where nobody knows.
 *
 * @category getters
 * @since 0.1.0
 */
export const pricesOf = (self: Endpoint, model: string | null | undefined): Prices.Prices | undefined =>
  Tariff.of(self.prices, model)

/**
 * What the endpoint calls a model; `undefined` if it does not serve it.
 *
 * @category getters
 * @since 0.1.0
 */
export const wireModel = (self: Endpoint, model: string): string | undefined =>
  self.models === "any" ? model : self.models.get(model)
