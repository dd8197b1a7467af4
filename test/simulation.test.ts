import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Path from "../bench/simulation/charts/Path.ts"
import * as Clients from "../bench/simulation/Clients.ts"
import * as Command from "../bench/simulation/Command.ts"
import * as Job from "../bench/simulation/Job.ts"
import * as Page from "../bench/simulation/Page.ts"
import * as Plan from "../bench/simulation/Plan.ts"
import * as Report from "../bench/simulation/Report.ts"
import * as Law from "./Law.ts"

/** A day in one minute, in this process. */
const options: Plan.Options = {
  seed: 7,
  speed: 1440,
  days: ["article", "tight", "storm"],
  ablations: ["without cache"],
  settings: ["least loaded"],
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

    // whatever is changed stands below the relay as it is, at the same pace
    assert.deepStrictEqual(report.ablations["tight"]!["relay"], report.days["tight"]!.relay)
    // and the spread begins with the seed of the days, each with a calibration of its own
    assert.deepStrictEqual(report.spread.seeds.map(({ seed }) => seed), [7, 107])
    assert.deepStrictEqual(report.spread.days["storm"]!["relay"]![0], report.days["storm"]!.relay)
    assert.notDeepEqual(report.spread.seeds[0]!.knobs, report.spread.seeds[1]!.knobs)

    // the page needs nothing else, and has a number wherever one is due
    const page = Page.print({ courses, report })
    for (const plot of [page, Page.plot({ courses, report })]) {
      assert.notMatch(plot, /NaN|undefined|Infinity|src=|href="[^#]|@import|url\([^#]/)
    }
    const count = (part: RegExp): number => page.match(part)!.length
    assert.strictEqual(count(/<svg /g), count(/<\/svg>/g))
    assert.strictEqual(count(/role="img"/g), count(/<\/title><desc>/g), "every plot says what it shows")
    assert.strictEqual(count(/<table>/g), count(/<caption>/g))
    assert.notMatch(page, /<th>/)
    for (const [, id] of page.matchAll(/href="#(\w+)"/g)) assert.include(page, `<h2 id="${id}">`)

    for (const { byMinute, overview } of Object.values(courses["article"]!)) {
      assert.strictEqual(byMinute.p99.length, 1440)
      for (const { answered, failed, hits, limited } of [byMinute, overview]) {
        const asked = [answered, hits, limited, failed].flat()
        assert.strictEqual(asked.reduce((a, b) => a + b), report.requests, "every request is in the plot, once")
      }
    }
  })
})

describe("npm run simulate", () => {
  const refusals: ReadonlyArray<readonly [args: string, why: string]> = [
    ["--seed x", "--seed is \"x\", it has to be a whole number"],
    ["--seed 1.5", "--seed is \"1.5\""],
    ["--seed=", "--seed is \"\""],
    ["--seed=-1", "--seed is \"-1\""],
    ["--speed 0", "--speed is \"0\", it has to be a number from 1 up"],
    ["--speed=-1", "--speed is \"-1\""],
    ["--speed 1e9", "--speed is \"1e9\""],
    ["--day --speed 8", "--day is --speed 1"],
    ["--processes 0", "--processes is \"0\", it has to be a whole number from 1 up"],
    ["--processes x", "--processes is \"x\""],
    ["--out=", "--out has to name a folder"],
    ["--fill --all", "--fill goes with no other option"],
    ["--spede 3", "Unknown option '--spede'"],
    ["storm", "Unexpected argument 'storm'"],
    ["--seed", "Option '--seed <value>' argument missing"]
  ]

  it.each(refusals)("refuses %s in one line", (args, why) => {
    const command = Command.parse(args.split(" "))
    assert.strictEqual(command._tag, "Refused")
    if (command._tag !== "Refused") return
    assert.include(command.why, why)
    assert.notInclude(command.why, "\n")
  })

  const live = (args: string) => {
    const command = Command.parse(args === "" ? [] : args.split(" "))
    if (command._tag !== "Live") throw new Error(`${args} is ${command._tag}`)
    return command
  }

  it("writes over what is tracked only when all is lived through at the usual pace with the usual seed", () => {
    assert.strictEqual(live("--all").to, "tracked")
    assert.strictEqual(live("--all --seed 20260420 --processes 4").to, "tracked")
    for (const args of ["", "--day", "--all --seed 7", "--all --speed 100", "--all --day"]) {
      assert.deepStrictEqual(live(args).to, { folder: "bench/out" }, args)
    }
    assert.deepStrictEqual(live("--all --out here").to, { folder: "here" })
    assert.strictEqual(live("--all --no-write").to, "nowhere")
  })

  it("takes numbers as they are written, and a day at its own pace", () => {
    const { isAll, processes, seed, speed } = live("--seed 7 --speed 2.5 --processes 1")
    assert.deepStrictEqual([seed, speed, processes, isAll], [7, 2.5, 1, false])
    assert.strictEqual(live("--day").speed, 1)
    assert.strictEqual(Command.parse(["--help"])._tag, "Help")
    assert.strictEqual(Command.parse(["--fill"])._tag, "Fill")
  })

  it("names every option in its usage", () => {
    for (const option of ["all", "day", "speed", "seed", "processes", "out", "no-write", "fill", "help"]) {
      assert.include(Command.usage, `--${option}`)
    }
  })
})

/** Every height that a path goes through, by its place. */
const heightsOf = (path: string, count: number): ReadonlyArray<number | undefined> => {
  const heights = Array<number | undefined>(count).fill(undefined)
  let [x, y] = [0, 0]
  for (const [, command, rest] of path.matchAll(/([Mlh])([^Mlh]*)/g)) {
    const numbers = rest!.match(/-?\d+/g)!.map(Number)
    if (command === "M") {
      ;[x, y] = numbers as [number, number]
      heights[x] = y
    } else if (command === "h") {
      for (let step = 0; step < numbers[0]!; step++) heights[++x] = y
    } else {
      for (let at = 0; at < numbers.length; at += 2) {
        x += numbers[at]!
        y += numbers[at + 1]!
        heights[x] = y
      }
    }
  }
  return heights
}

describe("a path of few bytes", () => {
  it.prop(
    "goes through every height, and has gaps where there is none",
    [Law.list(Law.int(-3, 4), 30, 0)],
    ([drawn]) => {
      const heights = drawn.map((height) => height === 4 ? undefined : height)
      assert.deepStrictEqual(heightsOf(Path.line(heights), heights.length), heights)
    }
  )
})
