import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as Readme from "../../bench/simulation/Readme.ts"
import * as Report from "../../bench/simulation/Report.ts"
import { root } from "../architecture/Source.ts"

const read = (path: string): string => readFileSync(join(root, path), "utf8")

const text = read("bench/simulation.json")
const report = Schema.decodeUnknownSync(Report.Report)(JSON.parse(text))
const { clients, days } = report

const blockOf = (page: string, head: string): string | undefined =>
  page.split("\n\n").find((block) => block.startsWith(head))?.trim()

describe("the simulation in the README", () => {
  it("is that of bench/simulation.json", () => {
    const page = read("README.md")
    assert.strictEqual(blockOf(page, "| the article's day |"), Readme.articlesDay(report))
    assert.strictEqual(blockOf(page, "|  | tight: 429s |"), Readme.otherDays(report))
    assert.strictEqual(Report.print(report), text)
  })
})

describe("what the relay comes to", () => {
  const { naive, oracle, relay } = clients

  it("is at or under what the article claims, beside the same naive client", () => {
    assert.isAtMost(relay.rate429, 0.0002)
    assert.isAtMost(relay.p50 / naive.p50, 67 / 340)
    assert.isAtMost(relay.p99 / naive.p99, 145 / 2100)
    assert.isAtLeast(relay.availability, 0.9997)
    assert.isAtMost(relay.monthlyCost / naive.monthlyCost, 890 / 4850)
    assert.isAtLeast(relay.hitRate, 0.342)
    assert.isAtMost(oracle.p99, relay.p99)
  })

  it("holds on a tight day and on one of storms", () => {
    assert.isAtMost(days["tight"]!.relay.rate429, 0.0002)
    assert.isAtMost(days["tight"]!.relay.p99, 400)
    assert.isAtLeast(days["tight"]!.relay.availability, 0.9999)
    assert.isAtMost(days["storm"]!.relay.p99, 350)
    assert.isAtLeast(days["storm"]!.relay.availability, 0.9999)
  })

  it("comes out of a retry storm in which retries stay", () => {
    const { relay, retry } = report.studies["retry storm"]!.clients
    assert.isNull(retry!.recovery)
    assert.isAtMost(relay!.recovery!, 30)
  })

  it("is asked of whoever else there is within a minute of a silent degradation", () => {
    assert.isAtMost(report.studies["silent degradation"]!.clients["relay"]!.noticed!, 60)
  })
})
