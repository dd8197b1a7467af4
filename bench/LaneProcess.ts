/** The process of one lane: it runs what it is asked to run, and ends with the one that asks. */
import type * as Case from "./Case.ts"
import type { Answer, Ask } from "./Lane.ts"
import * as Sample from "./Sample.ts"
import * as Subjects from "./Subjects.ts"

const [name, subject] = process.argv.slice(2) as [Case.Name, Case.Subject]
const loop = await Subjects.loopOf(name, subject)
const tell = (answer: Answer): boolean => process.send!(answer)

const obey = async (ask: Ask): Promise<boolean> =>
  ask._tag === "Warm"
    ? tell({ _tag: "Warmed", calls: await Sample.warm(loop, ask.warmup, ask.slice) })
    : tell({ _tag: "Taken", sample: await Sample.take(loop, ask.calls) })

process.on("disconnect", () => process.exit())
process.on("message", (ask: Ask) => void obey(ask))
tell({ _tag: "Ready" })
