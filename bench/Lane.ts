/** One subject at one case, ready to run slices. */
import { type ChildProcess, fork } from "node:child_process"
import { join } from "node:path"
import type * as Case from "./Case.ts"
import * as Sample from "./Sample.ts"
import * as Subjects from "./Subjects.ts"

export interface Lane {
  readonly subject: Case.Subject
  readonly warm: (warmup: number, slice: number) => Promise<number>
  readonly take: (calls: number) => Promise<Sample.Sample>
  readonly close: () => void
}

export type Ask =
  | { readonly _tag: "Warm"; readonly warmup: number; readonly slice: number }
  | { readonly _tag: "Take"; readonly calls: number }

export type Answer =
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Warmed"; readonly calls: number }
  | { readonly _tag: "Taken"; readonly sample: Sample.Sample }

/** In this process, where all lanes share what the compiler has learned. */
export const here = async (name: Case.Name, subject: Case.Subject): Promise<Lane> => {
  const loop = await Subjects.loopOf(name, subject)
  return {
    subject,
    warm: (warmup, slice) => Sample.warm(loop, warmup, slice),
    take: (calls) => Sample.take(loop, calls),
    close: () => {}
  }
}

const next = (child: ChildProcess): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error("a lane ended before its time"))
    child.once("exit", onExit)
    child.once("message", (answer: Answer) => {
      child.off("exit", onExit)
      resolve(answer)
    })
  })

/** In a process of its own. */
export const apart = async (name: Case.Name, subject: Case.Subject): Promise<Lane> => {
  const child = fork(join(import.meta.dirname, "LaneProcess.ts"), [name, subject], {
    execArgv: ["--conditions=effect-relay-source"]
  })
  const ask = async <Tag extends Answer["_tag"]>(ask: Ask, tag: Tag): Promise<Extract<Answer, { _tag: Tag }>> => {
    child.send(ask)
    const answer = await next(child)
    if (answer._tag !== tag) throw new Error(`a lane answered ${answer._tag}, not ${tag}`)
    return answer as Extract<Answer, { _tag: Tag }>
  }
  await next(child)
  return {
    subject,
    warm: async (warmup, slice) => (await ask({ _tag: "Warm", warmup, slice }, "Warmed")).calls,
    take: async (calls) => (await ask({ _tag: "Take", calls }, "Taken")).sample,
    close: () => {
      child.disconnect()
      child.kill()
    }
  }
}
