/** A process that lives through whatever days it is asked to, and ends with the one that asks. */
import * as Job from "./Job.ts"
import type { Told } from "./Pool.ts"

const tell = (told: Told): boolean => process.send!(told)

process.on("disconnect", () => process.exit())
process.on("message", (job: Job.Job) => {
  const onMinute = (minute: number): void => {
    if (minute % 60 === 0) tell({ _tag: "Minute", minute })
  }
  void Job.run(job, onMinute).then((result) => tell({ _tag: "Done", result }))
})
