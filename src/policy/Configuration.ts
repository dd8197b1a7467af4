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
  if (typeof value === "string") return JSON.stringify(value)
  if (typeof value === "number" || typeof value === "bigint" || value === undefined || value === null) {
    return String(value)
  }
  if (Duration.isDuration(value)) return Duration.format(value)
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`
  return typeof value
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

const lookup = (input: unknown, path: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }>): unknown =>
  path.reduce<unknown>(
    (value, step) => Object(value)[typeof step === "object" ? step.key : step],
    input
  )

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
  defaults: object
): Effect.Effect<A, InvalidConfiguration> =>
  Effect.suspend(() => {
    const given = Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined))
    const input = { ...defaults, ...given }
    const result = Schema.decodeUnknownResult(schema)(input, { onExcessProperty: "error" })
    if (Result.isSuccess(result)) return Effect.succeed(result.success)
    const issue = format(result.failure.issue).issues[0]
    const path = issue?.path ?? []
    return Effect.fail(
      new InvalidConfiguration({
        subject,
        field: path.map((step) => String(typeof step === "object" ? step.key : step)).join("."),
        value: show(lookup(input, path)),
        rule: issue?.message === "Expected no excess property"
          ? "there is no such option"
          : issue?.message ?? "it is refused"
      })
    )
  })

const millis = Schema.Unknown.pipe(Schema.decodeTo(Schema.Number, {
  decode: SchemaGetter.transformEffect((input: unknown) =>
    Option.match(Duration.fromInput(input as Duration.Input), {
      onNone: () =>
        Effect.fail(new SchemaIssue.InvalidValue({ message: "it has to be a duration such as \"5 seconds\"" })),
      onSome: (duration) => Effect.succeed(Duration.toMillis(duration))
    })
  ),
  encode: SchemaGetter.transform((value: number): unknown => value)
}))

const positive = Schema.makeFilter<number>((value) =>
  (value > 0 && value < Infinity) || "it has to be a finite duration above zero"
)

const notNegative = Schema.makeFilter<number>((value) => value >= 0 || "it has to be a duration of zero or more")

/**
 * A finite duration above zero, in any form of `Duration.Input`; decodes to milliseconds.
 *
 * @category fields
 * @since 0.1.0
 */
export const duration = millis.check(positive)

/**
 * A duration of zero or more, `"Infinity"` included; decodes to milliseconds.
 *
 * @category fields
 * @since 0.1.0
 */
export const durationOrZero = millis.check(notNegative)

/**
 * A whole number within bounds.
 *
 * @category fields
 * @since 0.1.0
 */
export const integer = (minimum: number, maximum: number = Number.MAX_SAFE_INTEGER) =>
  Schema.Unknown.pipe(Schema.refine((value): value is number => typeof value === "number")).check(
    Schema.makeFilter<number>((value) =>
      (Number.isSafeInteger(value) && value >= minimum && value <= maximum) ||
      `it has to be a whole number from ${minimum}${maximum === Number.MAX_SAFE_INTEGER ? " up" : ` to ${maximum}`}`
    )
  )

/**
 * A share from 0 to 1; `below` leaves out 1, `above` leaves out 0.
 *
 * @category fields
 * @since 0.1.0
 */
export const share = (bounds: "closed" | "open") =>
  Schema.Number.check(
    Schema.makeFilter<number>((value) =>
      (bounds === "closed" ? value >= 0 && value <= 1 : value > 0 && value < 1) ||
      (bounds === "closed" ? "it has to be a number from 0 to 1" : "it has to be a number above 0 and below 1")
    )
  )

/**
 * A finite number of zero or more.
 *
 * @category fields
 * @since 0.1.0
 */
export const amount = Schema.Number.check(
  Schema.makeFilter<number>((value) =>
    (value >= 0 && value < Infinity) || "it has to be a finite number of zero or more"
  )
)
