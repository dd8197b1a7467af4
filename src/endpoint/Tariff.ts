/**
 * What an endpoint charges, for each of its models.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Configuration from "../policy/Configuration.ts"
import * as Prices from "./Prices.ts"
import type * as PriceTable from "./PriceTable.ts"

/**
 * How prices can be said: one for all models, one for each by the names that callers use, or a table of prices, in which the
 * endpoint's own names for its models are looked up.
 *
 * @category models
 * @since 0.1.0
 */
export type Options = Prices.Prices | Readonly<Record<string, Prices.Prices>> | PriceTable.PriceTable

/**
 * What an endpoint charges.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tariff {
  /** For a model that is not named, and for a request that has none. */
  readonly usual: Prices.Prices | undefined
  /** By the names that callers use. */
  readonly byModel: ReadonlyMap<string, Prices.Prices>
}

const noModel: ReadonlyMap<string, Prices.Prices> = new Map()

/**
 * The tariff of an endpoint that does not tell it.
 *
 * @category constants
 * @since 0.1.0
 */
export const untold: Tariff = Object.freeze({ usual: undefined, byModel: noModel })

/**
 * The prices of a model, by the name that callers use; `undefined` where nobody knows.
 *
 * @category getters
 * @since 0.1.0
 */
export const of = (self: Tariff, model: string | null | undefined): Prices.Prices | undefined =>
  (typeof model === "string" ? self.byModel.get(model) : undefined) ?? self.usual

type Models = ReadonlyMap<string, string> | "any"

const isTable = (options: object): options is PriceTable.PriceTable =>
  "asOf" in options && typeof options.asOf === "string"

const isPerModel = (options: object): options is Readonly<Record<string, Prices.Prices>> =>
  Object.values(options).some((value) => typeof value === "object" && value !== null)

const one = (subject: string, path: string, prices: object): Result.Result<Prices.Prices, Flaw> =>
  Result.mapError(
    Configuration.decodeResult(subject, Prices.Settings, prices, {}),
    ({ field, rule, value }) =>
      new Configuration.InvalidConfiguration({
        subject,
        field: field === "options" ? path : `${path}.${field}`,
        value,
        rule
      })
  )

type Flaw = Configuration.InvalidConfiguration

const fromRecord = (
  subject: string,
  path: string,
  record: Readonly<Record<string, unknown>>,
  isKnown: (model: string) => boolean
): Result.Result<Map<string, Prices.Prices>, Flaw> =>
  Result.gen(function*() {
    const byModel = new Map<string, Prices.Prices>()
    for (const [model, prices] of Object.entries(record)) {
      const field = `${path}.${model}`
      if (typeof prices !== "object" || prices === null || Array.isArray(prices)) {
        const rule = "it has to be an object of prices, as those of the other models are"
        return yield* Result.fail(
          new Configuration.InvalidConfiguration({ subject, field, value: String(prices), rule })
        )
      }
      if (!isKnown(model)) {
        const rule = "it has to be one of its models, by the name that callers use"
        return yield* Result.fail(
          new Configuration.InvalidConfiguration({ subject, field, value: JSON.stringify(model), rule })
        )
      }
      byModel.set(model, yield* one(subject, field, prices))
    }
    return byModel
  })

const fromTable = (
  subject: string,
  { asOf, models: listed }: PriceTable.PriceTable,
  models: Models
): Result.Result<Map<string, Prices.Prices>, Flaw> =>
  Result.flatMap(fromRecord(subject, "prices.models", Object(listed), () => true), (known) => {
    // an endpoint that does not name its models is asked by the names it has for them
    if (models === "any") return Result.succeed(known)
    const byModel = new Map<string, Prices.Prices>()
    for (const [model, name] of models) {
      const prices = known.get(name)
      if (prices === undefined) {
        return Result.fail(
          new Configuration.InvalidConfiguration({
            subject,
            field: `models.${model}`,
            value: JSON.stringify(name),
            rule: `it has to be in the price table of ${asOf}: add it there, or say the prices of each model`
          })
        )
      }
      byModel.set(model, prices)
    }
    return Result.succeed(byModel)
  })

/**
 * Checks what an endpoint that has these models says of its prices.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (subject: string, options: Options | undefined, models: Models): Result.Result<Tariff, Flaw> => {
  if (options === undefined) return Result.succeed(untold)
  if (typeof options === "object" && options !== null) {
    const byModel = isTable(options)
      ? fromTable(subject, options, models)
      : isPerModel(options)
      ? fromRecord(subject, "prices", options, (model) => models === "any" || models.has(model))
      : undefined
    if (byModel !== undefined) return Result.map(byModel, (byModel) => ({ usual: undefined, byModel }))
  }
  return Result.map(one(subject, "prices", options), (usual) => ({ usual, byModel: noModel }))
}
