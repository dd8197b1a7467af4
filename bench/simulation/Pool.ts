/** Processes that share the jobs: each takes the next when it is done with one. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import * as Job from "./Job.ts"

export type Told =
  | { readonly _tag: "Passed"; readonly share: number }
  | { readonly _tag: "Done"; readonly result: Job.ResultOf<Job.Job> }

export interface Pool {
  /** The results, in the order of the jobs; `onProgress` is told the share that is done, and of what. */
  readonly run: <J extends Job.Job>(
    jobs: ReadonlyArray<J>,
    onProgress: (share: number, what: string) => void
  ) => Promise<ReadonlyArray<Job.ResultOf<J>>>
  readonly close: () => void
}

const ask = <J extends Job.Job>(
  child: ChildProcess,
  job: J,
  onShare: (share: number) => void
): Promise<Job.ResultOf<J>> =>
  new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error(`a process ended before its time: ${Job.title(job)}`))
    const onMessage = (told: Told): void => {
      if (told._tag === "Passed") return onShare(told.share)
      child.off("exit", onExit)
      child.off("message", onMessage)
      resolve(told.result as Job.ResultOf<J>)
    }
    child.once("exit", onExit)
    child.on("message", onMessage)
    child.send(job)
  })

export const make = (size: number): Pool => {
  const children = Array.from(
    { length: size },
    () => fork(join(import.meta.dirname, "Process.ts"), [], { execArgv: ["--conditions=effect-relay-source"] })
  )
  // one in the middle of a day hears of nothing before it is over
  process.once("exit", () => {
    for (const child of children) child.kill()
  })
  return {
    run: async <J extends Job.Job>(jobs: ReadonlyArray<J>, onProgress: (share: number, what: string) => void) => {
      const results: Array<Job.ResultOf<J>> = []
      const shares = jobs.map(() => 0)
      let next = 0
      const work = async (child: ChildProcess): Promise<void> => {
        while (next < jobs.length) {
          const index = next++
          const job = jobs[index]!
          const tell = (share: number): void => {
            shares[index] = share
            onProgress(shares.reduce((a, b) => a + b, 0) / jobs.length, Job.title(job))
          }
          results[index] = await ask(child, job, tell)
          tell(1)
        }
      }
      await Promise.all(children.map(work))
      return results
    },
    close: () => {
      for (const child of children) child.disconnect()
    }
  }
}
