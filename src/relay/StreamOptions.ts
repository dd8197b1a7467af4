/**
 * What can be said about streams: for all of a relay, and for one.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import type * as Pulse from "../machine/Pulse.ts"
import * as Configuration from "../policy/Configuration.ts"

/**
 * The options that a relay has for all of its streams, and each stream for itself; see `defaults`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * Up to where nothing comes out, so that another endpoint can answer instead: the first token, of thoughts and tool
   * calls as well; so many characters, from 1 up; or the whole answer.
   */
  readonly commit?: "firstToken" | "whole" | { readonly characters: number } | undefined
  /**
   * What happens when an answer is broken off after that: the stream fails; the next endpoint begins anew, behind a
   * `Restarted`; or the next with `prefill` goes on, behind a `Continued`. In a later round that may be the same one.
   */
  readonly afterCommit?: "fail" | "restart" | "continue" | undefined
  /** How long the first token of an attempt may take, above 0. Default: the attempt timeout of endpoint or relay. */
  readonly firstTokenTimeout?: Duration.Input | undefined
  /** How long there may be between one token and the next, above 0. What keeps a connection alive is no token. */
  readonly idleTimeout?: Duration.Input | undefined
  /** How many characters have to come in each stretch of time from the first token on; 0 for any number. */
  readonly minThroughput?: { readonly characters: number; readonly per: Duration.Input } | undefined
}

/**
 * The options that hold where none is given.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  commit: "firstToken",
  afterCommit: "fail",
  idleTimeout: "30 seconds",
  minThroughput: { characters: 0, per: "10 seconds" }
} as const satisfies Options

/**
 * The options within their bounds. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Settings {
  /** Characters, from 1 up; `Infinity` for the whole answer. */
  readonly commit: number
  readonly afterCommit: "fail" | "restart" | "continue"
  readonly firstToken: number | undefined
  readonly idle: number
  readonly characters: number
  readonly stretch: number
}

const Shape = Schema.Struct({
  commit: Configuration.field(
    (value): value is NonNullable<Options["commit"]> =>
      value === "firstToken" || value === "whole" ||
      (typeof value === "object" && value !== null && Object.keys(value).join() === "characters" &&
        "characters" in value && Configuration.isInteger(value.characters, 1)),
    "it has to be \"firstToken\", \"whole\", or { characters } with a whole number from 1 up"
  ),
  afterCommit: Configuration.field(
    (value): value is NonNullable<Options["afterCommit"]> =>
      value === "fail" || value === "restart" || value === "continue",
    "it has to be \"fail\", \"restart\" or \"continue\""
  ),
  firstTokenTimeout: Schema.optional(Configuration.durationOrForever),
  idleTimeout: Configuration.durationOrForever,
  minThroughput: Schema.Struct({ characters: Configuration.integer(0), per: Configuration.duration })
})

const charactersOf = (commit: NonNullable<Options["commit"]>): number => {
  if (commit === "firstToken") return 1
  return commit === "whole" ? Infinity : commit.characters
}

/**
 * Checks options, which go over those of `base`.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (
  subject: string,
  options: Options | undefined,
  base: Options
): Effect.Effect<Settings, Configuration.InvalidConfiguration> =>
  Effect.map(Configuration.decode(subject, Shape, options, base), (settings) => ({
    commit: charactersOf(settings.commit),
    afterCommit: settings.afterCommit,
    firstToken: settings.firstTokenTimeout,
    idle: settings.idleTimeout,
    characters: settings.minThroughput.characters,
    stretch: settings.minThroughput.per
  }))

/**
 * What a stream of an endpoint has to keep to.
 *
 * @category getters
 * @since 0.1.0
 */
export const ruleFor = (settings: Settings, endpoint: Endpoint.Endpoint, attemptTimeout: number): Pulse.Rule => ({
  firstToken: settings.firstToken ?? endpoint.attemptTimeout ?? attemptTimeout,
  idle: settings.idle,
  characters: settings.characters,
  stretch: settings.stretch
})
