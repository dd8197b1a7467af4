/** What a run leaves behind. */
import * as Schema from "effect/Schema"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import type * as Command from "./Command.ts"
import * as Page from "./Page.ts"
import type * as Plan from "./Plan.ts"
import * as Readme from "./Readme.ts"
import * as Report from "./Report.ts"

const root = join(import.meta.dirname, "../..")
const tracked = join(root, "bench")

/** Fills the pages that have tables from what is tracked; which of them changed. */
export const fill = (): ReadonlyArray<string> => {
  const text = readFileSync(join(tracked, "simulation.json"), "utf8")
  const report = Schema.decodeUnknownSync(Report.Report)(JSON.parse(text))
  return Readme.pages.filter((page) => {
    const path = join(root, page)
    const before = readFileSync(path, "utf8")
    const after = Readme.filled(before, report)
    if (after !== before) writeFileSync(path, after)
    return after !== before
  })
}

/** The folder to write to, made if it is not there. */
export const folderOf = (to: Exclude<Command.Live["to"], "nowhere">): string => {
  const folder = to === "tracked" ? tracked : resolve(root, to.folder)
  mkdirSync(folder, { recursive: true })
  return folder
}

/** Writes it, and says where. */
export const write = (outcome: Plan.Outcome, to: Command.Live["to"]): string => {
  if (to === "nowhere") return "nothing was written"
  const folder = folderOf(to)
  writeFileSync(join(folder, "simulation.json"), Report.print(outcome.report))
  writeFileSync(join(folder, "simulation.html"), Page.print(outcome))
  writeFileSync(join(folder, "simulation.svg"), Page.plot(outcome))
  const where = `written to simulation.json, simulation.html and simulation.svg in ${folder}`
  return to === "tracked" ? [where, ...fill().map((page) => `tables filled in ${page}`)].join("\n") : where
}
