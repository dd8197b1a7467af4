/**
 * Refuses configuration that cannot work, when it is built, by name.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaIssue from "effect/SchemaIssue"

/**
 * An option that cannot work: which one, what it was, and the rule it breaks.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidConfiguration extends Schema.TaggedError<InvalidConfiguration>()("InvalidConfiguration", {
  /** What was being built. */
  subject: Schema.String,
  /** The option, with dots where it is nested. */
  field: Schema.String,
  /** What it was, as text. */
  value: Schema.String,
  /** What it has to be. */
  rule: Schema.String
}) {
  override get message(): string {
    return `${this.subject}: ${this.field} is ${this.value}, but ${this.rule}`
  }
}

const show = (value: unknown): string => {
  // an address may hold a password, or a key in its query
  if (typeof value === "string") return JSON.stringify(value.replace(/\/\/[^/]*@/, "//…@").replace(/\?.*$/s, "?…"))
  if (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol") return String(value)
  if (value === null) return "null"
  if (Duration.isDuration(value)) return Duration.format(value)
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`
  return typeof value
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

const lookup = (input: unknown, path: ReadonlyArray<PropertyKey>): unknown =>
  path.reduce<unknown>((value, step) => Object(value)[step], input)

/**
 * Lays options over defaults and checks the whole; unknown options are refused too.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = <A>(
  subject: string,
  schema: Schema.Codec<A, unknown>,
  options: object | undefined,
  defaults: object,
  secrets: ReadonlyArray<string> = []
): Effect.Effect<A, InvalidConfiguration> =>
  Effect.suspend(() => Effect.fromResult(decodeResult(subject, schema, options, defaults, secrets)))

/**
 * The same, at once. The value of an option named in `secrets` is not shown.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeResult = <A>(
  subject: string,
  schema: Schema.Codec<A, unknown>,
  options: object | undefined,
  defaults: object,
  secrets: ReadonlyArray<string> = []
): Result.Result<A, InvalidConfiguration> => {
  if (options !== undefined && (typeof options !== "object" || options === null || Array.isArray(options))) {
    const value = options === null || Array.isArray(options) ? show(options) : typeof options
    return Result.fail(new InvalidConfiguration({ subject, field: "options", value, rule: "it has to be an object" }))
  }
  const given = Object.fromEntries(Object.entries(Object(options)).filter(([, value]) => value !== undefined))
  const input = { ...defaults, ...given }
  const result = Schema.decodeUnknownResult(schema)(input, { onExcessProperty: "error" })
  if (Result.isSuccess(result)) return Result.succeed(result.success)
  const issue = format(result.failure.issue).issues[0]
  const path = (issue?.path ?? []).map((step) => typeof step === "object" ? step.key : step)
  const rule = ruleOf(issue?.message)
  // nobody knows what stands under a name that nobody knows
  const value = lookup(input, path)
  const isSecret = secrets.includes(String(path[0])) ||
    (rule === unknownOption && typeof value !== "number" && typeof value !== "boolean")
  return Result.fail(
    new InvalidConfiguration({
      subject,
      field: path.map(String).join("."),
      value: isSecret ? "not shown here" : show(value),
      rule
    })
  )
}

const unknownOption = "there is no such option"

const ruleOf = (message: string | undefined): string => {
  switch (message) {
    case undefined:
      return "it is refused"
    case "Expected no excess property":
      return unknownOption
    case "Missing key":
      return "it is required"
    case "Expected object":
      return "it has to be an object"
    default:
      return message.replace(/^Expected /, "it has to be ")
  }
}

const units = new Set([
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds"
])

// what Duration takes for zero, such as an empty object or NaN, is a mistake here
const isSound = (input: unknown): boolean => {
  if (typeof input === "number") return !Number.isNaN(input)
  if (typeof input !== "object" || input === null || Duration.isDuration(input)) return true
  if (Array.isArray(input)) return input.length === 2 && input.every(Number.isFinite)
  const parts = Object.entries(input)
  return Object.getPrototypeOf(input) === Object.prototype && parts.length > 0 &&
    parts.every(([unit, value]) => units.has(unit) && Number.isFinite(value))
}

const durationField = (isAllowed: (millis: number) => boolean, rule: string) =>
  Schema.Unknown.pipe(Schema.decodeTo(Schema.Number, {
    decode: SchemaGetter.transformEffect((input: unknown) => {
      const millis = isSound(input)
        ? Option.map(Duration.fromInput(input as Duration.Input), Duration.toMillis)
        : Option.none()
      if (Option.isNone(millis)) {
        return Effect.fail(new SchemaIssue.InvalidValue({ message: "it has to be a duration such as \"5 seconds\"" }))
      }
      return isAllowed(millis.value)
        ? Effect.succeed(millis.value)
        : Effect.fail(new SchemaIssue.InvalidValue({ message: rule }))
    }),
    encode: SchemaGetter.transform((value: number): unknown => value)
  }))

/**
 * A finite duration above zero, in any form of `Duration.Input`; decodes to milliseconds.
 *
 * @category fields
 * @since 0.1.0
 */
export const duration = durationField(
  (millis) => millis > 0 && millis < Infinity,
  "it has to be a finite duration above zero"
)

/**
 * A duration above zero, `"Infinity"` included; decodes to milliseconds.
 *
 * @category fields
 * @since 0.1.0
 */
export const durationOrForever = durationField((millis) => millis > 0, "it has to be a duration above zero")

/**
 * A duration of zero or more, `"Infinity"` included; decodes to milliseconds.
 *
 * @category fields
 * @since 0.1.0
 */
export const durationOrZero = durationField((millis) => millis >= 0, "it has to be a duration of zero or more")

/**
 * A finite duration of zero or more; decodes to milliseconds.
 *
 * @category fields
 * @since 0.1.0
 */
export const finiteDurationOrZero = durationField(
  (millis) => millis >= 0 && millis < Infinity,
  "it has to be a duration of zero or more that ends"
)

/**
 * A duration of any length, negative and `"Infinity"` included; decodes to milliseconds.
 *
 * @category fields
 * @since 0.1.0
 */
export const anyDuration = durationField(() => true, "it has to be a duration")

/**
 * A value of a kind that a guard tells, and the rule to show when it is not.
 *
 * @category fields
 * @since 0.1.0
 */
export const field = <A>(guard: (value: unknown) => value is A, rule: string) =>
  Schema.Unknown.pipe(Schema.refine(guard, { message: rule }))

/**
 * Whether a value is a whole number within bounds.
 *
 * @category guards
 * @since 0.1.0
 */
export const isInteger = (value: unknown, minimum: number, maximum = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && Number(value) >= minimum && Number(value) <= maximum

/**
 * A whole number within bounds.
 *
 * @category fields
 * @since 0.1.0
 */
export const integer = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  field(
    (value): value is number => isInteger(value, minimum, maximum),
    `it has to be a whole number from ${minimum}${maximum === Number.MAX_SAFE_INTEGER ? " up" : ` to ${maximum}`}`
  )

/**
 * A share from 0 to 1; `below` leaves out 1, `above` leaves out 0.
 *
 * @category fields
 * @since 0.1.0
 */
export const share = (bounds: "closed" | "open") =>
  bounds === "closed"
    ? field((value): value is number => isWithin(value, 0, 1), "it has to be a number from 0 to 1")
    : field(
      (value): value is number => isWithin(value, 0, 1) && value > 0 && value < 1,
      "it has to be a number above 0 and below 1"
    )

/**
 * A number of a kind that has a lowest value.
 *
 * @category fields
 * @since 0.1.0
 */
export const atLeast = (minimum: number) =>
  field(
    (value): value is number => isWithin(value, minimum, Number.MAX_VALUE),
    `it has to be a finite number of ${minimum === 0 ? "zero" : minimum} or more`
  )

/**
 * Yes or no.
 *
 * @category fields
 * @since 0.1.0
 */
export const flag = field((value): value is boolean => typeof value === "boolean", "it has to be true or false")

const isWithin = (value: unknown, minimum: number, maximum: number): value is number =>
  typeof value === "number" && value >= minimum && value <= maximum
