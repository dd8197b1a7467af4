/** Lives through the days, prints what came of them, and writes it down; see `Command.usage`. */
import * as Command from "./Command.ts"
import * as Files from "./Files.ts"
import type * as Job from "./Job.ts"
import * as Plan from "./Plan.ts"
import * as Pool from "./Pool.ts"
import * as Progress from "./Progress.ts"
import * as Table from "./Table.ts"

const live = async ({ isAll, processes, seed, speed, to }: Command.Live): Promise<void> => {
  // before an hour has passed in vain
  if (to !== "nowhere") Files.folderOf(to)
  const pool = Pool.make(processes)
  const began = performance.now()
  const seconds = (): string => `${((performance.now() - began) / 1000).toFixed(0)} s`

  const run = async <J extends Job.Job>(what: string, jobs: ReadonlyArray<J>) => {
    if (jobs.length === 0) return []
    const progress = Progress.make(what)
    const results = await pool.run(jobs, progress.onShare)
    progress.end()
    console.log(`${what}: ${jobs.length} lived through, ${seconds()}`)
    return results
  }

  const outcome = await Plan.live({ seed, speed, ...(isAll ? Plan.whole : Plan.brief) }, run)
  pool.close()
  console.log(`\n${Table.ofReport(outcome.report)}\n\n${Files.write(outcome, to)}\n\n${seconds()}`)
}

// whoever reads only the beginning has closed the pipe
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0)
    throw error
  })
}

const command = Command.parse(process.argv.slice(2))
switch (command._tag) {
  case "Help":
    console.log(Command.usage)
    break
  case "Refused":
    console.error(`${command.why}; --help says what there is`)
    process.exitCode = 2
    break
  case "Fill":
    console.log(Files.fill().map((page) => `tables filled in ${page}`).join("\n") || "all tables are up to date")
    break
  case "Live":
    await live(command)
}
