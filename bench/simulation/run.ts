/** Lives through the days, prints what came of them, and writes `bench/simulation.json`. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as Plan from "./Plan.ts"
import * as Pool from "./Pool.ts"
import * as Report from "./Report.ts"
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

const run: Plan.Run = async (what, jobs) => {
  let shown = -1
  const results = await pool.run(jobs, (share, title) => {
    const percent = Math.floor(share * 100)
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${what} ${percent} % · ${title}`)
    else if (percent >= shown + 10) process.stderr.write(`${what} ${percent} % · ${title}\n`)
    if (percent >= shown + 10) shown = percent
  })
  if (process.stderr.isTTY) process.stderr.write("\r\u001b[K")
  console.log(`${what}: ${jobs.length} days lived through, ${seconds()}`)
  return results
}

const { report } = await Plan.live({
  seed: Number(values.seed),
  speed,
  variationSpeed: Math.max(speed, 32),
  ablations: Variations.ablationNames,
  settings: values.all ? Variations.settingNames : []
}, run)
pool.close()
console.log(`\n${Table.ofReport(report)}`)
if (values.write) {
  writeFileSync(join(import.meta.dirname, "../simulation.json"), Report.print(report))
  console.log("\nwritten to bench/simulation.json")
}
console.log(`\n${seconds()}`)
