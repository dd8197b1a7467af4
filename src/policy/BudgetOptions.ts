/**
 * What can be said of a budget.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Allowance from "../machine/Allowance.ts"
import * as Money from "../machine/Money.ts"
import * as Configuration from "./Configuration.ts"

/**
 * What may be spent: at least one of the two.
 *
 * @category models
 * @since 0.1.0
 */
export interface Limits {
  /** From 0.000000001, to the billionth, up to nine million. Default: no limit. */
  readonly dollars?: number | undefined
  /** Of questions and answers together, from 1 up. Default: no limit. */
  readonly tokens?: number | undefined
}

/**
 * What may be spent by each key of a budget that calls share.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Limits {
  /** How long what was spent counts; after that it comes back. Default: for ever. */
  readonly per?: Duration.Input | undefined
  /** Keys with a budget at one time, from 1 up; those that spent nothing make room. */
  readonly maxKeys?: number | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = { per: "Infinity", maxKeys: 10_000 } as const satisfies Options

const leastDollars = 1e-9

const limits = {
  dollars: Schema.optional(Configuration.field(
    (value): value is number => typeof value === "number" && value >= leastDollars && value <= Money.maxDollars,
    `it has to be a number from ${leastDollars} to ${Money.maxDollars}`
  )),
  tokens: Schema.optional(Configuration.integer(1))
}

const LimitsOnly = Schema.Struct(limits)

const All = Schema.Struct({
  ...limits,
  per: Configuration.durationOrForever,
  maxKeys: Configuration.integer(1)
})

/**
 * The options within their bounds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings {
  readonly limit: Allowance.Amount
  /** Milliseconds. */
  readonly per: number
  readonly maxKeys: number
}

type Decoded<A> = Result.Result<A, Configuration.InvalidConfiguration>

const toLimit = (subject: string, { dollars, tokens }: typeof LimitsOnly.Type): Decoded<Allowance.Amount> =>
  dollars === undefined && tokens === undefined
    ? Result.fail(
      new Configuration.InvalidConfiguration({
        subject,
        field: "dollars",
        value: "undefined",
        rule: "it has to be said, or tokens, or both"
      })
    )
    : Result.succeed({
      money: dollars === undefined ? Infinity : Money.fromDollars(dollars),
      tokens: tokens ?? Infinity
    })

/**
 * The limits of one call within their bounds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeLimits = (subject: string, options: Limits): Decoded<Allowance.Amount> =>
  Result.flatMap(
    Configuration.decodeResult(subject, LimitsOnly, options, {}),
    (decoded) => toLimit(subject, decoded)
  )

/**
 * The options within their bounds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (subject: string, options: Options | undefined): Decoded<Settings> =>
  Result.flatMap(
    Configuration.decodeResult(subject, All, options, defaults),
    ({ maxKeys, per, ...decoded }) => Result.map(toLimit(subject, decoded), (limit) => ({ limit, per, maxKeys }))
  )
