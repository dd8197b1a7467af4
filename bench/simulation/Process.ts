/** A process that lives through whatever days it is asked to, and ends with the one that asks. */
import * as Job from "./Job.ts"
import type { Told } from "./Pool.ts"

const tell = (told: Told): boolean => process.send!(told)

process.on("disconnect", () => process.exit())
process.on("message", (job: Job.Job) => {
  let told = 0
  const onNote = (share: number): void => {
    if (share < told + 0.05) return
    told = share
    tell({ _tag: "Passed", share })
  }
  void Job.run(job, onNote).then((result) => tell({ _tag: "Done", result }))
})
