import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Pull, Schedule } from "effect"
import { RelayGateway, RelayService, Retry } from "effect-relay"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../architecture/Source.ts"

const readme = readFileSync(join(root, "README.md"), "utf8")
const gateway = readFileSync(join(root, "docs/relay/gateway.md"), "utf8")
const cost = readFileSync(join(root, "docs/cost.md"), "utf8")

const show = (value: unknown): string => {
  if (value === Retry.standard) return "`Retry.standard`"
  if (typeof value !== "object" || value === null) return String(value)
  // a schedule is told in prose
  return Object.entries(value).filter(([, part]) => !Schedule.isSchedule(part))
    .map(([name, part]) => `\`${name}\` ${show(part)}`).join(", ")
}

/** The option and the default of each row of the table that begins with this text. */
const rowsOf = (head: string, page = readme): ReadonlyArray<string> => {
  const table = page.split("\n\n").find((block) => block.startsWith(head)) ?? ""
  return table.split("\n").slice(2).map((line) => line.split("|").slice(0, 3).join("|") + "|")
}

describe("the page of the gateway", () => {
  it("tells its defaults", () => {
    const rows = Object.entries(RelayGateway.defaults).map(([name, value]) =>
      `| \`${name}\` | ${Array.isArray(value) ? "none" : String(value)} |`
    )
    assert.deepStrictEqual(rowsOf("| Option | Default |", gateway), rows)
  })
})

describe("the page on cost", () => {
  it("tells how much of its usage a relay remembers", () => {
    const rows = Object.entries(RelayService.defaults.usage).map(([name, value]) => `| \`${name}\` | ${value} |`)
    assert.deepStrictEqual(rowsOf("| Option of `usage` |", cost), rows)
  })
})

// those of the policies are on their pages: see policies.test.ts
describe("the defaults in the README", () => {
  it("are those of RelayService", () => {
    const rows = Object.entries(RelayService.defaults).map(([name, value]) => `| \`${name}\` | ${show(value)} |`)
    assert.deepStrictEqual(rowsOf("| Option of the relay |"), rows)
  })

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
