/** The process of one measurement of memory; it tells what it found and ends. */
import * as Relay from "../Relay.ts"
import * as Subjects from "../Subjects.ts"
import * as Heap from "./Heap.ts"
import * as Keyed from "./Keyed.ts"
import type { Finding, Question } from "./Memory.ts"

const question: Question = JSON.parse(process.argv[2]!)

// what nobody can reach any more would be gone before it is measured
const held: Array<unknown> = []
const hold = <A>(value: A): A => {
  held.push(value)
  return value
}
Object.assign(globalThis, { held })

const useOf = async (policy: Keyed.Policy, library: Keyed.Library, maxKeys: number | undefined): Promise<Keyed.Use> => {
  const make = Keyed.make(maxKeys)[policy][library]
  if (make === undefined) throw new Error(`${library} has no ${policy}`)
  return hold(await make())
}

const keysFrom = (start: number, count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => `key-${start + index}`)

const findings: { readonly [Tag in Question["_tag"]]: (ask: Extract<Question, { _tag: Tag }>) => Promise<Finding> } = {
  Key: async ({ keys, library, policy }) => {
    const use = await useOf(policy, library, 2 * keys)
    const names = keysFrom(0, keys)
    await use("the first makes what all share")
    const before = await Heap.bytes()
    for (const name of names) await use(name)
    return [(await Heap.bytes() - before) / names.length]
  },
  Endpoint: async ({ endpoints }) => {
    // the first relay makes what all share
    hold(await Relay.make(1))
    const [before, timersBefore] = [await Heap.bytes(), Heap.timers()]
    hold(await Relay.make(endpoints))
    return [(await Heap.bytes() - before) / endpoints, (Heap.timers() - timersBefore) / endpoints]
  },
  Calls: async ({ calls, library }) => {
    const loop = hold(await Subjects.loopOf("all five", library))
    await loop(calls / 10)
    const before = await Heap.bytes()
    // in parts, as timers and intervals of the libraries need their turn
    for (let part = 0; part < 20; part++) {
      await loop(calls / 20)
      await Heap.turn()
    }
    return [await Heap.bytes() - before]
  },
  Keys: async ({ keys, library }) => {
    const uses: Array<Keyed.Use> = []
    for (const policy of Keyed.setOf[library]) uses.push(await useOf(policy, library, undefined))
    for (const use of uses) await use("the first makes what all share")
    const before = await Heap.bytes()
    const grown: Array<number> = []
    for (const start of [0, keys / 2]) {
      for (const name of keysFrom(start, keys / 2)) for (const use of uses) await use(name)
      grown.push(await Heap.bytes() - before)
    }
    return grown
  }
}

process.send!(await findings[question._tag](question as never))
process.disconnect()
process.exit()
