/**
 * How an endpoint is to be checked while nobody calls it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Configuration from "../policy/Configuration.ts"

/**
 * How an endpoint is checked while nobody calls it:
 *
 * - `get`: a GET, which costs nothing
 * - `completion`: a completion of one token
 * - `auto`: a GET or, once that was answered with 404 or 405, a completion if
 *   a model to ask for is known
 * - `off`: not at all
 *
 * @category models
 * @since 0.1.0
 */
export type Check = "auto" | "get" | "completion" | "off"

/**
 * How one endpoint is checked, over the relay's own options.
 *
 * @category models
 * @since 0.1.0
 */
export interface Health {
  /** What a GET fetches below the base URL; begins with `/`. */
  readonly path?: string | undefined
  readonly check?: Check | undefined
  /** The model, by the name you use, that a completion asks for. Default: the first of `models`. */
  readonly model?: string | undefined
}

/**
 * A way to check.
 *
 * @category fields
 * @since 0.1.0
 */
export const check = Configuration.field(
  (value): value is Check => value === "auto" || value === "get" || value === "completion" || value === "off",
  "it has to be \"auto\", \"get\", \"completion\" or \"off\""
)

/**
 * A path below a base URL.
 *
 * @category fields
 * @since 0.1.0
 */
export const path = Configuration.field(
  (value): value is string => typeof value === "string" && value.startsWith("/"),
  "it has to be a path that begins with /"
)

/**
 * The options within their bounds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const Settings = Schema.Struct({
  path: Schema.optional(path),
  check: Schema.optional(check),
  model: Schema.optional(
    Configuration.field(
      (value): value is string => typeof value === "string" && value.trim() !== "",
      "it has to be a text that is not empty"
    )
  )
})

/**
 * Whom the options are of.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject {
  readonly health: Health
  readonly models: ReadonlyMap<string, string> | "any"
}

/**
 * The model that a completion asks for, by the caller's name; `undefined` where none is known.
 *
 * @category getters
 * @since 0.1.0
 */
export const modelOf = ({ health, models }: Subject): string | undefined =>
  health.model ?? (models === "any" ? undefined : models.keys().next().value)

/**
 * What is wrong with options that are sound one by one, or `undefined`: a check
 * that asks for a model has to know one that is there.
 *
 * @category guards
 * @since 0.1.0
 */
export const flaw = (
  subject: Subject
): { readonly field: string; readonly value: string; readonly rule: string } | undefined => {
  const { health: { check, model }, models } = subject
  const field = "health.model"
  if (model !== undefined && models !== "any" && !models.has(model)) {
    return { field, value: JSON.stringify(model), rule: "it has to be one of its models" }
  }
  return check === "completion" && modelOf(subject) === undefined
    ? { field, value: "undefined", rule: "a completion has to ask for a model: name one here, or its models" }
    : undefined
}
