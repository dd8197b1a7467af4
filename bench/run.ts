/** Measures, prints a table, and writes `bench/results.json` after a full run. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as HitRate from "./cache/HitRate.ts"
import * as Case from "./Case.ts"
import * as Machine from "./Machine.ts"
import * as Memory from "./memory/Memory.ts"
import type * as Results from "./Results.ts"
import * as Rounds from "./Rounds.ts"
import * as Table from "./Table.ts"

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true },
    together: { type: "boolean", default: false }
  }
})

// a process for each lane takes longer to begin than a quick run is to last
const plan: Rounds.Plan = values.quick
  ? { rounds: 5, slice: 10, warmup: 100, together: true }
  : { rounds: 15, slice: 20, warmup: 250, together: values.together }
const quickRequests = 100_000
const path = join(import.meta.dirname, "results.json")
const memoryPlan: Memory.Plan = { calls: 1_000_000, keys: 100_000, endpoints: 10_000 }

const { only = [] } = values
const isFull = only.length === 0 && !values.quick && !values.together
const isWanted = (name: string): boolean => only.some((part) => name.includes(part))
const wanted = only.length === 0 ? Case.names : Case.names.filter(isWanted)

const rowOf = (name: Case.Name, found: ReadonlyMap<Case.Subject, Rounds.Medians>): Results.Row => {
  const { notes, operation } = Case.cases[name]
  const round = (value: number): number => Math.round(value * 10) / 10
  const cpu = (subject: Case.Subject): number | null => {
    const medians = found.get(subject)
    return medians === undefined ? null : round(medians.cpu)
  }
  const ours = found.get("ours")!
  const raw = found.get("raw")!
  return {
    ours: round(ours.cpu),
    cockatiel: cpu("cockatiel"),
    opossum: cpu("opossum"),
    effect: cpu("effect"),
    raw: round(raw.cpu),
    rawPromise: cpu("rawPromise"),
    oursPrebuilt: cpu("oursPrebuilt"),
    oursAlone: cpu("oursAlone"),
    ...(ours.p50 === undefined ? {} : { p50: round(ours.p50), p99: round(ours.p99!) }),
    ...(raw.p50 === undefined ? {} : { rawP50: round(raw.p50), rawP99: round(raw.p99!) }),
    best: Object.fromEntries(Array.from(found, ([subject, { best }]) => [subject, round(best)])),
    wall: Object.fromEntries(Array.from(found, ([subject, { wall }]) => [subject, round(wall)])),
    operation: Case.operations[operation],
    ...(notes === undefined ? {} : { notes })
  }
}

const machine = Machine.describe()
const began = performance.now()
console.log(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, load ${machine.load.toFixed(2)}\n`)

const cases: Record<string, Results.Row> = {}
for (const name of wanted) {
  if (process.stderr.isTTY) process.stderr.write(`${name} …\n`)
  cases[name] = rowOf(name, await Rounds.run(name, plan))
}
if (wanted.length > 0) console.log(Table.ofCases(cases))

const write = (results: Results.Results): void => {
  writeFileSync(path, `${JSON.stringify(results, undefined, 2)}\n`)
  console.log("\nwritten to bench/results.json")
}

const hitRates: Record<string, Results.HitRate> = {}
if (isFull || isWanted("hit rates")) {
  for (const name of HitRate.names) hitRates[name] = HitRate.measure(name, values.quick ? quickRequests : undefined)
  console.log(`\n${Table.ofHitRates(hitRates)}`)
  // they are the same on any machine, so they need not be of the same run
  if (!isFull && !values.quick) write({ ...JSON.parse(readFileSync(path, "utf8")), hitRates })
}

if (isFull || isWanted("memory")) {
  const memory = await Memory.measure(memoryPlan)
  console.log(`\n${Table.ofMemory(memory)}`)
  if (isFull) write({ cases, memory, hitRates, machine, plan })
}
console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s`)
