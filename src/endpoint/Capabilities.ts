/**
 * What an endpoint says that it can do, and what a request needs.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Configuration from "../policy/Configuration.ts"
import type { ChatRequest } from "./ChatRequest.ts"

/**
 * What an endpoint, or one of its models, can do. What is not said counts as can.
 *
 * @category models
 * @since 0.1.0
 */
export interface Capabilities {
  /** The most tokens of a request and its answer together, from 1 up. Default: no bound known. */
  readonly contextWindow?: number | undefined
  /** Whether it takes tools. */
  readonly tools?: boolean | undefined
  /** Whether it takes images. */
  readonly vision?: boolean | undefined
  /** Whether it takes a `response_format` other than text. */
  readonly jsonMode?: boolean | undefined
}

/**
 * What a request needs: one bit for each of `names`, and room for its tokens.
 *
 * @category models
 * @since 0.1.0
 */
export interface Needs {
  readonly bits: number
  readonly tokens: number
}

/**
 * The same of an endpoint: what it cannot, and how much room there is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Offer {
  readonly lacks: number
  readonly window: number
}

/**
 * Offers by model; one for every model that is not named.
 *
 * @category models
 * @since 0.1.0
 */
export interface Offers {
  readonly usual: Offer
  readonly byModel: ReadonlyMap<string, Offer>
}

/**
 * What a request can need beside room, in the words of an error.
 *
 * @category constants
 * @since 0.1.0
 */
export const names = { tools: "tools", vision: "images", jsonMode: "a JSON response format" } as const

const fields = Object.keys(names) as ReadonlyArray<keyof typeof names>

const bitOf = (field: keyof typeof names): number => 1 << fields.indexOf(field)

/**
 * How many sets of needs there are, room left out.
 *
 * @category constants
 * @since 0.1.0
 */
export const kinds = 1 << fields.length

/**
 * What a call needs that is no chat.
 *
 * @category constants
 * @since 0.1.0
 */
export const noNeeds: Needs = { bits: 0, tokens: 0 }

const everything: Offer = { lacks: 0, window: Infinity }

/**
 * The offers of an endpoint that says nothing.
 *
 * @category constants
 * @since 0.1.0
 */
export const unsaid: Offers = { usual: everything, byModel: new Map() }

const isSome = (value: unknown): boolean => Array.isArray(value) && value.length > 0

const imageParts = new Set(["image_url", "input_image", "image"])

const hasImage = (content: unknown): boolean =>
  Array.isArray(content) && content.some((part: unknown) => imageParts.has(Object(part)["type"]))

/**
 * What a request needs, of which `tokens` are the estimate. Total: what cannot be read needs nothing.
 *
 * @category constructors
 * @since 0.1.0
 */
export const neededBy = (request: ChatRequest, tokens: number): Needs => {
  let bits = 0
  if (isSome(request["tools"]) || isSome(request["functions"])) bits |= bitOf("tools")
  if (request.messages.some((message) => hasImage(message?.content))) bits |= bitOf("vision")
  const format: unknown = Object(request["response_format"])["type"]
  if (format === "json_object" || format === "json_schema") bits |= bitOf("jsonMode")
  return { bits, tokens }
}

/**
 * Each need by itself.
 *
 * @category getters
 * @since 0.1.0
 */
export const each = (bits: number): ReadonlyArray<number> => fields.map(bitOf).filter((bit) => (bits & bit) !== 0)

/**
 * The needs in words.
 *
 * @category getters
 * @since 0.1.0
 */
export const words = (bits: number): ReadonlyArray<string> =>
  fields.filter((field) => (bits & bitOf(field)) !== 0).map((field) => names[field])

/**
 * What is offered for a model; without one, for any.
 *
 * @category getters
 * @since 0.1.0
 */
export const offerOf = (self: Offers, model: string | undefined): Offer =>
  (model === undefined ? undefined : self.byModel.get(model)) ?? self.usual

/**
 * Whether an offer is enough.
 *
 * @category guards
 * @since 0.1.0
 */
export const suffices = (offer: Offer, needs: Needs): boolean =>
  (offer.lacks & needs.bits) === 0 && needs.tokens <= offer.window

const flag = Schema.optional(Configuration.flag)

const Settings = Schema.Struct({
  contextWindow: Schema.optional(Configuration.integer(1)),
  tools: flag,
  vision: flag,
  jsonMode: flag
})

const toOffer = (settings: typeof Settings.Type): Offer => ({
  lacks: fields.reduce((lacks, field) => settings[field] === false ? lacks | bitOf(field) : lacks, 0),
  window: settings.contextWindow ?? Infinity
})

const isPerModel = (options: object): options is Readonly<Record<string, Capabilities>> =>
  Object.values(options).some((value) => typeof value === "object" && value !== null)

/**
 * Checks what an endpoint says: of all its models at once, or of each that it `serves` by the name that callers use.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (
  subject: string,
  options: Capabilities | Readonly<Record<string, Capabilities>> | undefined,
  serves: (model: string) => boolean
): Effect.Effect<Offers, Configuration.InvalidConfiguration> => {
  if (options === undefined || Object.keys(options).length === 0) return Effect.succeed(unsaid)
  const one = (path: string, capabilities: object) =>
    Configuration.decode(subject, Settings, capabilities, {}).pipe(
      Effect.mapBoth({
        onSuccess: toOffer,
        onFailure: ({ field, rule, value }) =>
          new Configuration.InvalidConfiguration({ subject, field: `${path}.${field}`, value, rule })
      })
    )
  if (!isPerModel(options)) {
    return Effect.map(one("capabilities", options), (usual) => ({ usual, byModel: unsaid.byModel }))
  }
  return Effect.map(
    Effect.forEach(Object.entries(options), ([model, capabilities]: [string, unknown]) => {
      const field = `capabilities.${model}`
      const refuse = (value: string, rule: string) =>
        Effect.fail(new Configuration.InvalidConfiguration({ subject, field, value, rule }))
      if (typeof capabilities !== "object" || capabilities === null || Array.isArray(capabilities)) {
        return refuse(String(capabilities), "it has to be an object of capabilities, as those of the other models are")
      }
      if (!serves(model)) {
        return refuse(JSON.stringify(model), "it has to be one of its models, by the name that callers use")
      }
      return Effect.map(one(field, capabilities), (offer) => [model, offer] as const)
    }),
    (offers) => ({ usual: everything, byModel: new Map(offers) })
  )
}
