/**
 * What a service says of its own limits, as its answers bring it.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Limit from "../machine/Limit.ts"
import * as Configuration from "./Configuration.ts"
import * as InvalidArgument from "./InvalidArgument.ts"
import * as Weight from "./Weight.ts"

/**
 * What an answer says of one limit.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hint {
  readonly of: Limit.Unit
  /** The window of the limit that is meant, as it was configured; the shortest of its kind where none is given. */
  readonly window?: Duration.Input | undefined
  /** What the service allows in a window, from 1 up. It can lower the configured limit, never raise it. */
  readonly limit?: number | undefined
  /** What it still allows, from 0 up. */
  readonly remaining?: number | undefined
  /** How long until it allows the whole limit again; counts with `remaining`, and for one window at most. */
  readonly resetAfter?: Duration.Input | undefined
}

/**
 * A hint within its bounds; durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decoded extends Limit.Hint {
  readonly of: Limit.Unit
  readonly window: number | undefined
}

const names = new Set(["of", "window", "limit", "remaining", "resetAfter"])

const decodeDuration = Schema.decodeUnknownOption(Configuration.durationOrZero)

/**
 * The milliseconds of a duration of zero or more, `"Infinity"` included; or what is wrong with it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const toMillis = (
  subject: string,
  argument: string,
  input: Duration.Input
): Result.Result<number, InvalidArgument.InvalidArgument> =>
  Result.fromOption(decodeDuration(input), () => {
    const value = Duration.isDuration(input) ? Duration.format(input) : input
    return InvalidArgument.make(subject, argument, value, "it has to be a duration of zero or more")
  })

/**
 * Checks a hint.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (subject: string, hint: Hint): Result.Result<Decoded, InvalidArgument.InvalidArgument> => {
  const wrong = (argument: string, value: unknown, rule: string) =>
    Result.fail(InvalidArgument.make(subject, argument, value, rule))
  if (typeof hint !== "object" || hint === null) return wrong("hint", hint, "it has to be an object")
  const stranger = Object.keys(hint).find((name) => !names.has(name))
  if (stranger !== undefined) return wrong(stranger, hint[stranger as keyof Hint], "a hint has no such field")
  const { limit, of, remaining, resetAfter, window } = hint
  if (of !== "calls" && of !== "tokens") return wrong("of", of, "it has to be \"calls\" or \"tokens\"")
  if (limit !== undefined && !(Weight.isCount(limit) && limit > 0)) {
    return wrong("limit", limit, "it has to be a whole number from 1 up")
  }
  if (remaining !== undefined && !Weight.isCount(remaining)) return wrong("remaining", remaining, Weight.countRule)
  if (remaining === undefined && resetAfter !== undefined) {
    return wrong("remaining", remaining, "it has to be there for resetAfter to mean something")
  }
  return Result.flatMap(
    optionalMillis(subject, "resetAfter", resetAfter),
    (resetAfter) =>
      Result.map(optionalMillis(subject, "window", window), (window) => ({ of, limit, remaining, resetAfter, window }))
  )
}

const optionalMillis = (
  subject: string,
  argument: string,
  input: Duration.Input | undefined
): Result.Result<number | undefined, InvalidArgument.InvalidArgument> =>
  input === undefined ? Result.succeed(undefined) : toMillis(subject, argument, input)
