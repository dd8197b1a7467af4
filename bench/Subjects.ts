/** Who does the work, by name; each is loaded only where it is asked for. */
import type * as Case from "./Case.ts"
import type { Loop, Loops } from "./Loop.ts"

const load: Record<Case.Subject, () => Promise<Loops>> = {
  raw: async () => (await import("./subjects/Raw.ts")).effects,
  rawPromise: async () => (await import("./subjects/Raw.ts")).promises,
  ours: async () => (await import("./subjects/Ours.ts")).protect,
  cockatiel: async () => (await import("./subjects/Cockatiel.ts")).loops,
  opossum: async () => (await import("./subjects/Opossum.ts")).loops,
  effect: async () => (await import("./subjects/Effects.ts")).loops,
  oursPrebuilt: async () => (await import("./subjects/Ours.ts")).prebuilt,
  oursAlone: async () => (await import("./subjects/Ours.ts")).alone
}

/** Whether a subject can do a case. */
export const has = async (name: Case.Name, subject: Case.Subject): Promise<boolean> =>
  (await load[subject]())[name] !== undefined

export const loopOf = async (name: Case.Name, subject: Case.Subject): Promise<Loop> => {
  const make = (await load[subject]())[name]
  if (make === undefined) throw new Error(`${subject} does not do "${name}"`)
  return make()
}
