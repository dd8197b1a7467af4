import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Claims from "../../bench/simulation/Claims.ts"
import * as Readme from "../../bench/simulation/Readme.ts"
import * as Report from "../../bench/simulation/Report.ts"
import * as Scenario from "../../bench/simulation/Scenario.ts"
import * as Studies from "../../bench/simulation/Studies.ts"
import type * as Study from "../../bench/simulation/Study.ts"
import * as Variations from "../../bench/simulation/Variations.ts"
import { root } from "../architecture/Source.ts"

const read = (path: string): string => readFileSync(join(root, path), "utf8")

const text = read("bench/simulation.json")
const report = Schema.decodeUnknownSync(Report.Report)(JSON.parse(text))
const { ablations, clients, days, settings, spread, studies } = report

const placesOf = (page: string): ReadonlyArray<string> =>
  Array.from(page.matchAll(/<!-- simulation (\w+) -->/g), ([, name]) => name!).filter((name) => name !== "end")

describe("the simulation in the README and in its own page", () => {
  it.each(Readme.pages)("is that of bench/simulation.json in %s", (path) => {
    const page = read(path)
    assert.strictEqual(page, Readme.filled(page, report), "npm run simulate -- --fill")
  })

  it("has a place for everything that can be filled in", () => {
    const places = Readme.pages.flatMap((path) => placesOf(read(path)))
    assert.deepStrictEqual(places.toSorted(), Object.keys(Readme.places).toSorted())
  })

  it("is all of it, as it is written", () => {
    assert.strictEqual(Report.print(report), text)
    assert.deepStrictEqual(["article", ...Object.keys(days)], Array.from(Scenario.names))
    assert.deepStrictEqual(Object.keys(studies), Array.from(Studies.names))
    for (const name of Studies.names) {
      assert.deepStrictEqual(Object.keys(studies[name]!.clients), Object.keys(Studies.all[name]!.clients))
    }
    assert.strictEqual(spread.seeds.length, 5)
  })
})

describe("what is changed of the relay", () => {
  const changed = [...Variations.ablationNames, ...Variations.settingNames].flatMap((name) =>
    Variations.daysOf(name).map((day) => [name, day] as const)
  )

  it.each(changed)("%s makes a difference on the %s day", (name, day) => {
    const rows = (name in Variations.ablations ? ablations : settings)[day]!
    assert.deepStrictEqual(rows["relay"], day === "article" ? clients.relay : days[day]!.relay)
    assert.notDeepEqual(rows[name], rows["relay"])
  })

  const studied = Studies.names.flatMap((study) =>
    Object.keys(Studies.all[study]!.clients).filter((client) => client.startsWith("relay, ")).map((client) =>
      [study, client] as const
    )
  ).filter(([study]) => study !== "clock steps")

  it.each(studied)("in the study of %s, that of %s makes a difference", (study, client) => {
    const all = studies[study]!.clients
    assert.notDeepEqual(all[client], all["relay"])
  })
})

describe("what the relay comes to", () => {
  const { naive, oracle, relay } = clients

  it("is at or under what the article claims, beside the same naive client", () => {
    assert.isAtMost(relay.rate429, 0.0002)
    assert.strictEqual(relay.limited, 0)
    assert.isAtMost(relay.p50 / naive.p50, 67 / 340)
    assert.isAtMost(relay.p99 / naive.p99, 145 / 2100)
    assert.isAtLeast(relay.availability, 0.9997)
    assert.isAtMost(relay.monthlyCost / naive.monthlyCost, 890 / 4850)
    assert.isAtLeast(relay.hitRate, 0.342)
    assert.isAtMost(oracle.p99, relay.p99)
  })

  it("is what was set out to be reached", () => {
    assert.deepStrictEqual(Claims.reached(report).filter(({ status }) => status === "missed"), [])
  })

  it("is so with every seed, on days of little room as well", () => {
    for (
      const [day, { p99, rate429 }] of Object.entries({
        article: { p99: 147, rate429: 0.0002 },
        tight: { p99: 400, rate429: 0.001 },
        storm: { p99: 350, rate429: 0.0025 }
      })
    ) {
      for (const figures of spread.days[day]!["relay"]!) {
        assert.isAtMost(figures.p99, p99)
        assert.isAtMost(figures.rate429, rate429)
        assert.isAtLeast(figures.availability, 0.9999)
      }
    }
  })
})

describe("when something goes wrong", () => {
  const of = (study: string, client: string): Study.Findings => studies[study]!.clients[client]!

  it("a retry storm that retries keep up ends with the relay, by its bulkhead or its circuit breaker", () => {
    assert.isNull(of("retry storm", "three tries").recovery)
    for (const client of ["relay", "relay, no circuit breaker", "relay, 200 at once"]) {
      assert.isAtMost(of("retry storm", client).recovery!, 60, client)
    }
  })

  it.each(["silent degradation", "failing fast"])("the relay asks others within a minute: %s", (study) => {
    assert.isAtMost(of(study, "relay").noticed!, 60)
  })

  it("steps of the wall clock change nothing", () => {
    assert.deepStrictEqual(of("clock steps", "relay, clock steps"), of("clock steps", "relay"))
  })
})
