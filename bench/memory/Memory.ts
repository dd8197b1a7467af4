/** What policies hold on to: a key, an idle endpoint, and what many calls and many keys leave behind. */
import { fork } from "node:child_process"
import { join } from "node:path"
import * as Keyed from "./Keyed.ts"

export type Question =
  | { readonly _tag: "Key"; readonly policy: Keyed.Policy; readonly library: Keyed.Library; readonly keys: number }
  | { readonly _tag: "Endpoint"; readonly endpoints: number }
  | { readonly _tag: "Calls"; readonly library: Keyed.Library; readonly calls: number }
  | { readonly _tag: "Keys"; readonly library: Keyed.Library; readonly keys: number }

export type Finding = ReadonlyArray<number>

export interface Plan {
  readonly calls: number
  readonly keys: number
  readonly endpoints: number
}

const ask = (question: Question): Promise<Finding> =>
  new Promise((resolve, reject) => {
    const child = fork(join(import.meta.dirname, "HeapProcess.ts"), [JSON.stringify(question)], {
      execArgv: ["--conditions=effect-relay-source", "--expose-gc"]
    })
    child.once("message", (finding: Finding) => resolve(finding.map(Math.round)))
    child.once("exit", (code) => reject(new Error(`a measurement of memory ended with ${code}`)))
  })

interface ByLibrary<A> {
  readonly ours: A
  readonly cockatiel: A | null
  readonly opossum: A | null
  readonly effect: A | null
}

const byLibrary = async <A>(
  isAble: (library: Keyed.Library) => boolean,
  measure: (library: Keyed.Library) => Promise<A>
): Promise<ByLibrary<A>> => {
  const found: Array<[Keyed.Library, A | null]> = []
  for (const library of Keyed.libraries) found.push([library, isAble(library) ? await measure(library) : null])
  return Object.fromEntries(found) as unknown as ByLibrary<A>
}

const everyone = () => true

const bytesPerKey = (policy: Keyed.Policy, keys: number): Promise<ByLibrary<number>> => {
  const able = Keyed.make(undefined)[policy]
  return byLibrary(
    (library) => able[library] !== undefined,
    async (library) => (await ask({ _tag: "Key", policy, library, keys }))[0]!
  )
}

/** Bytes, measured in a process each. */
export const measure = async (plan: Plan) => {
  // memory does not mind a neighbour: the long ones run beside the short ones
  const calls = byLibrary(
    everyone,
    async (library) => (await ask({ _tag: "Calls", library, calls: plan.calls }))[0]!
  )
  const breaker = await bytesPerKey("breaker", plan.keys)
  const bulkhead = await bytesPerKey("bulkhead", plan.keys)
  const limiter = await bytesPerKey("limiter", plan.keys)
  const [bytesPerIdleEndpoint, timersPerIdleEndpoint] = await ask({ _tag: "Endpoint", endpoints: plan.endpoints })
  const keys = await byLibrary(everyone, async (library) => {
    const [half, all] = await ask({ _tag: "Keys", library, keys: plan.keys })
    return { half: half!, all: all! }
  })
  return {
    bytesPerKey: { keys: plan.keys, breaker, bulkhead, limiter },
    bytesPerIdleEndpoint: bytesPerIdleEndpoint!,
    timersPerIdleEndpoint: timersPerIdleEndpoint!,
    growthAfterCalls: { calls: plan.calls, ...await calls },
    growthAfterKeys: { keys: plan.keys, ...keys }
  }
}
