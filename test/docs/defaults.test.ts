import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Pull, Schedule } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  RateLimiter,
  RelayService,
  ResponseCache,
  Retry,
  RetryBudget,
  Timeout
} from "effect-relay"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../architecture/Source.ts"

const readme = readFileSync(join(root, "README.md"), "utf8")

const show = (value: unknown): string => {
  if (value === Retry.standard) return "`Retry.standard`"
  if (Array.isArray(value)) return value.join(" / ")
  if (typeof value !== "object" || value === null) return String(value)
  const { _tag, ...fields } = value as { readonly _tag?: string }
  return `${_tag === undefined ? "" : `${_tag} `}(${list(fields, "")})`
}

const list = (fields: object, quote: string): string =>
  Object.entries(fields)
    .filter(([, value]) => !Schedule.isSchedule(value) || value === Retry.standard)
    .map(([name, value]) => `${quote}${name}${quote} ${show(value)}`.trim())
    .join(", ")

/** The last cell of the row that begins with this name. */
const lastCell = (name: string): string | undefined =>
  readme.split("\n").find((line) => line.startsWith(`| \`${name}\` |`))?.split("|").at(-2)?.trim()

describe("the defaults in the README", () => {
  it.each(
    Object.entries({ CircuitBreaker, Bulkhead, RateLimiter, ResponseCache, Retry, RetryBudget, Timeout, RelayService })
  )(
    "are those of %s",
    (name, { defaults }) => assert.strictEqual(lastCell(name), list(defaults, "`"))
  )

  it.effect("name the time between health checks, give or take a fifth", () =>
    Effect.gen(function*() {
      assert.isTrue(readme.includes("about every ten seconds"))
      const step = yield* Schedule.toStep(RelayService.defaults.health.schedule)
      for (let check = 0; check < 20; check++) {
        const [, delay] = yield* step(0, undefined).pipe(Pull.catchDone(() => Effect.die("the checks end")))
        assert.isTrue(Duration.between(delay, { minimum: Duration.seconds(8), maximum: Duration.seconds(12) }))
      }
    }))
})
