/** Lives through the days, prints what came of them, and writes `bench/simulation.json`. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import type * as Job from "./Job.ts"
import * as Page from "./Page.ts"
import * as Plan from "./Plan.ts"
import * as Pool from "./Pool.ts"
import * as Report from "./Report.ts"
import * as Studies from "./Studies.ts"
import * as Table from "./Table.ts"
import * as Variations from "./Variations.ts"

const { values } = parseArgs({
  options: {
    day: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    seed: { type: "string", default: "20260420" },
    speed: { type: "string" },
    processes: { type: "string", default: "2" },
    write: { type: "boolean", default: true }
  },
  allowNegative: true
})

const speed = Number(values.speed ?? (values.day ? 1 : 8))
const pool = Pool.make(Number(values.processes))
const began = performance.now()
const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`

const run = async <J extends Job.Job>(what: string, jobs: ReadonlyArray<J>) => {
  if (jobs.length === 0) return []

  let shown = -1
  const results = await pool.run(jobs, (share, title) => {
    const percent = Math.floor(share * 100)
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what} ${percent} % · ${title}`)
    else if (percent >= shown + 10) process.stderr.write(`${what} ${percent} % · ${title}\n`)
    if (percent >= shown + 10) shown = percent
  })
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K")
  console.log(`${what}: ${jobs.length} lived through, ${seconds()}`)
  return results
}

const outcome = await Plan.live({
  seed: Number(values.seed),
  speed,
  variationSpeed: Math.max(speed, 32),
  ablations: Variations.ablationNames,
  settings: values.all ? Variations.settingNames : [],
  studies: values.all ? Studies.names : ["retry storm", "silent degradation"],
  seeds: values.all ? 4 : 0
}, run)
const { report } = outcome
pool.close()
console.log(`\n${Table.ofReport(report)}`)
if (values.write) {
  const write = (name: string, text: string): void => writeFileSync(join(import.meta.dirname, "..", name), text)
  write("simulation.json", Report.print(report))
  write("simulation.html", Page.print(outcome))
  write("simulation.svg", Page.plot(outcome))
  console.log("\nwritten to bench/simulation.json, bench/simulation.html and bench/simulation.svg")
}
console.log(`\n${seconds()}`)
