import { assert, describe, it } from "@effect/vitest"
import { Duration, Result } from "effect"
import * as Hint from "../../src/policy/Hint.ts"

const decode = (hint: unknown) => Hint.decode("it", hint as Hint.Hint)

describe("a hint", () => {
  it.each<readonly [object, object]>([
    [{ of: "calls" }, {}],
    [{ of: "tokens", limit: 1, remaining: 0 }, { limit: 1, remaining: 0 }],
    [{ of: "calls", remaining: 5, resetAfter: 0, window: "1 minute" }, { remaining: 5, resetAfter: 0, window: 60_000 }],
    [{ of: "calls", window: Infinity }, { window: Infinity }]
  ])("is read: %o", (hint, expected) => {
    const nothing = { limit: undefined, remaining: undefined, resetAfter: undefined, window: undefined }
    assert.deepStrictEqual(Result.getOrThrow(decode(hint)) as object, { ...nothing, ...hint, ...expected })
  })

  const fromZero = "it has to be a whole number from 0 up"
  const fromOne = "it has to be a whole number from 1 up"
  const duration = "it has to be a duration of zero or more"
  const unit = "it has to be \"calls\" or \"tokens\""
  it.each<readonly [unknown, argument: string, value: string, rule: string]>([
    [null, "hint", "object", "it has to be an object"],
    ["calls", "hint", "\"calls\"", "it has to be an object"],
    [undefined, "hint", "undefined", "it has to be an object"],
    [() => ({}), "hint", "() => ({})", "it has to be an object"],
    [{ of: "calls", left: 5 }, "left", "5", "a hint has no such field"],
    [{}, "of", "undefined", unit],
    [{ of: "minutes" }, "of", "\"minutes\"", unit],
    [{ of: "calls", limit: 0 }, "limit", "0", fromOne],
    [{ of: "calls", limit: 1.5 }, "limit", "1.5", fromOne],
    [{ of: "calls", limit: -1 }, "limit", "-1", fromOne],
    [{ of: "calls", remaining: -1 }, "remaining", "-1", fromZero],
    [{ of: "calls", remaining: NaN }, "remaining", "NaN", fromZero],
    [
      { of: "calls", resetAfter: 5 },
      "remaining",
      "undefined",
      "it has to be there for resetAfter to mean something"
    ],
    [{ of: "calls", remaining: 5, resetAfter: -1 }, "resetAfter", "-1", duration],
    [{ of: "calls", remaining: 5, resetAfter: "soon" }, "resetAfter", "\"soon\"", duration],
    [{ of: "calls", window: Duration.millis(-5) }, "window", "\"-5ms\"", duration],
    [{ of: "calls", window: {} }, "window", "object", duration]
  ])("is refused by what is wrong with it: %o", (hint, argument, value, rule) => {
    const failure = Result.getOrThrow(Result.flip(decode(hint)))
    assert.deepStrictEqual(
      { argument: failure.argument, value: failure.value, rule: failure.rule, subject: failure.subject },
      { argument, value, rule, subject: "it" }
    )
  })
})
