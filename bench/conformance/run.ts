/**
 * Sixteen faults and three clients: prints who came through, and writes `bench/conformance.json` after a full run.
 *
 * `--fast` shortens every time by one factor and writes nothing, unless `--write` says so; `--only` takes the faults
 * whose model has this text in its name.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import type * as Client from "./Client.ts"
import { effectRelay } from "./EffectRelay.ts"
import * as Fault from "./Fault.ts"
import { naiveFetch } from "./NaiveFetch.ts"
import { openAiPackage } from "./OpenAiPackage.ts"
import { profiles } from "./Profile.ts"
import * as Report from "./Report.ts"
import * as Trial from "./Trial.ts"

const { values } = parseArgs({
  options: {
    fast: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] }
  }
})

const profile = profiles[values.fast ? "fast" : "full"]
const isWanted = ({ model }: Fault.Fault): boolean =>
  values.only.length === 0 || values.only.some((part) => model.includes(part))
const faults = Fault.faults.filter(isWanted)
const isWritten = faults.length === Fault.faults.length && (values.write || !values.fast)

const clients: ReadonlyArray<Client.Client> = [naiveFetch, openAiPackage, effectRelay]

/** All the faults at once: most of the time is spent in waiting. */
const meetAll = (client: Client.Client) =>
  Effect.map(
    Effect.forEach(faults, (fault) => Trial.run(client, fault, profile), { concurrency: "unbounded" }),
    (findings): Report.Findings => new Map(faults.map((fault, index) => [fault, findings[index]!]))
  )

/** Ends with an error unless the relay came through all of it. */
const judge = (findings: Report.Findings) =>
  Effect.sync(() => {
    if (Array.from(findings.values()).some(({ verdict }) => verdict !== "passed")) process.exitCode = 1
  })

const program = Effect.gen(function*() {
  const found = new Map<string, Report.Findings>()
  for (const client of clients) {
    const findings = yield* meetAll(client)
    found.set(client.name, findings)
    yield* Console.log(`\n${Report.table(client.name, findings)}`)
  }
  yield* judge(found.get(effectRelay.name)!)
  if (!isWritten) return
  const path = join(import.meta.dirname, "../conformance.json")
  yield* Effect.sync(() => writeFileSync(path, `${JSON.stringify(Report.make(found), undefined, 2)}\n`))
  yield* Console.log("\nwritten to bench/conformance.json")
})

NodeRuntime.runMain(program)
