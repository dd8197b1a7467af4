import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Clients from "../bench/simulation/Clients.ts"
import * as Job from "../bench/simulation/Job.ts"
import * as Page from "../bench/simulation/Page.ts"
import * as Plan from "../bench/simulation/Plan.ts"
import * as Report from "../bench/simulation/Report.ts"

/** A day in one minute, in this process. */
const options: Plan.Options = {
  seed: 7,
  speed: 1440,
  variationSpeed: 2880,
  ablations: ["without cache"],
  settings: ["20 at once"],
  studies: [],
  seeds: 1
}

const here = async <J extends Job.Job>(_: string, jobs: ReadonlyArray<J>) => {
  const results: Array<Job.ResultOf<J>> = []
  for (const job of jobs) results.push(await Job.run(job))
  return results
}

describe("the simulation", () => {
  it("writes the same bytes under the same seed, and other figures under another", async () => {
    const { courses, report } = await Plan.live(options, here)
    const again = await Plan.live(options, here)
    assert.strictEqual(Report.print(again.report), Report.print(report))
    assert.deepStrictEqual(again.courses, courses)
    const other = await Plan.live({ ...options, seed: 8, ablations: [], settings: [], seeds: 0 }, here)
    assert.notDeepEqual(other.report.clients, report.clients)

    // and they are what the schema says
    assert.deepStrictEqual(Schema.decodeUnknownSync(Report.Report)(JSON.parse(Report.print(report))), report)
    assert.deepStrictEqual(Object.keys(report.clients), Array.from(Clients.names))
    // the page needs nothing else, and has a number wherever one is due
    const page = Page.print({ courses, report })
    for (const plot of [page, Page.plot({ courses, report })]) {
      assert.notMatch(plot, /NaN|undefined|Infinity|src=|href=|@import/)
    }
    assert.strictEqual(page.match(/<svg /g)!.length, page.match(/<\/svg>/g)!.length)

    for (const course of Object.values(courses["article"]!)) {
      const asked = [course.answered, course.hits, course.limited, course.failed].flat()
      assert.strictEqual(asked.reduce((a, b) => a + b), report.requests, "every request is in the plot, once")
    }
  })
})
