/** The file that says where a gateway listens and over which endpoints. Keys are not in it: it names variables of the environment. */
import { Effect, FileSystem, Schema } from "effect"
import { type Capabilities, Configuration } from "effect-relay"
import * as PolicyConfig from "./PolicyConfig.ts"

const variable = Configuration.field(
  (value): value is string => typeof value === "string" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value),
  "it has to be the name of a variable of the environment, such as OPENAI_API_KEY"
)

const variables = Schema.Array(variable).pipe(Schema.refine(
  (value): value is readonly [string, ...ReadonlyArray<string>] => value.length > 0,
  { message: "it has to name at least one variable; to serve everybody, leave it out" }
))

const text = Schema.NonEmptyString

const millis = Configuration.duration

const optional = Schema.optionalKey

type Able = Capabilities.Capabilities

// of all its models, or of each by the names that callers use; what is wrong inside, the endpoint itself says
const capabilities = Configuration.field(
  (value): value is Able | Readonly<Record<string, Able>> => typeof value === "object" && value !== null,
  "it has to be an object"
)

const Prices = Schema.Struct({
  inputPerMillion: Configuration.atLeast(0),
  outputPerMillion: Configuration.atLeast(0),
  cacheReadPerMillion: optional(Configuration.atLeast(0)),
  cacheWritePerMillion: optional(Configuration.atLeast(0))
})

const Endpoint = Schema.Struct({
  id: text,
  baseUrl: text,
  dialect: optional(Schema.Literals(["openai", "azure", "anthropic", "gemini", "deepseek", "openrouter"])),
  /** The variable that holds the key. */
  apiKeyFrom: optional(variable),
  account: optional(text),
  models: optional(Schema.Union([Schema.Array(text), Schema.Record(text, text)])),
  tier: optional(Configuration.integer(0)),
  prefill: optional(Configuration.flag),
  weight: optional(Schema.Number),
  capabilities: optional(capabilities),
  limits: optional(Schema.Struct({
    requestsPerMinute: optional(Configuration.integer(1)),
    tokensPerMinute: optional(Configuration.integer(1)),
    concurrency: optional(Configuration.integer(1))
  })),
  /** Of all its models, or of each by the names that callers use. */
  prices: optional(Schema.Union([Prices, Schema.Record(text, Prices)])),
  /** Headers that are no secret, and the variables that hold those that are. */
  headers: optional(Schema.Record(text, Schema.String)),
  headersFrom: optional(Schema.Record(text, variable)),
  attemptTimeout: optional(millis)
})

export const GatewayConfig = Schema.Struct({
  host: text,
  port: Configuration.integer(0, 65_535),
  /** The variables that hold the keys of this gateway's callers; left out, everybody is served. */
  apiKeysFrom: optional(variables),
  maxRequestBytes: Configuration.integer(1),
  deadline: Configuration.durationOrForever,
  /** How long calls under way may take to finish when the gateway ends. */
  shutdownTimeout: Configuration.duration,
  relay: PolicyConfig.Relay,
  circuitBreaker: PolicyConfig.CircuitBreaker,
  bulkhead: PolicyConfig.Bulkhead,
  endpoints: Schema.NonEmptyArray(Endpoint)
})

export type GatewayConfig = typeof GatewayConfig.Type

export const defaults = {
  // nobody else reaches it, unless told otherwise
  host: "127.0.0.1",
  port: 8787,
  maxRequestBytes: 16 * 1024 * 1024,
  deadline: "10 minutes",
  shutdownTimeout: "30 seconds",
  relay: {},
  circuitBreaker: {},
  bulkhead: {}
} as const

const refuse = (subject: string, field: string, value: string, rule: string) =>
  new Configuration.InvalidConfiguration({ subject, field, value, rule })

// a key that was put where the name of a variable belongs is not shown
const mayHoldKey = /(?:^|\.)(?:apiKeys?(?:From)?|headers(?:From)?)(?:\.|$)/i

const withoutKeys = ({ field, rule, subject, value }: Configuration.InvalidConfiguration) =>
  refuse(
    subject,
    field,
    mayHoldKey.test(field) ? "not shown here" : value,
    /(?:^|\.)apiKeys?$/.test(field) ? `no key belongs into this file: name its variable in ${field}From` : rule
  )

/** Reads the file; what is wrong with it is told by field, value and rule. */
export const read = Effect.fnUntraced(function*(path: string) {
  const files = yield* FileSystem.FileSystem
  const content = yield* Effect.mapError(
    files.readFileString(path),
    ({ reason }) => refuse(path, "the file", reason._tag, "it has to be there and readable")
  )
  const json = yield* Effect.try({
    try: (): unknown => JSON.parse(content),
    // the message may quote the file, and a key in it
    catch: (error) =>
      refuse(path, "the file", `not JSON${/ at position .*$/s.exec(String(error))?.[0] ?? ""}`, "it has to be")
  })
  return yield* Effect.mapError(
    Configuration.decode<GatewayConfig>(path, GatewayConfig, json as object, defaults),
    withoutKeys
  )
})
