/** What the process holds once everything that can go has gone; it has to run with `--expose-gc`. */
import { setTimeout } from "node:timers/promises"

export const bytes = async (): Promise<number> => {
  // finalizers and what they free need turns of the event loop
  for (let pass = 0; pass < 4; pass++) {
    globalThis.gc!()
    await setTimeout(5)
  }
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Timers that keep the process alive. */
export const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length

/** One turn of the event loop. */
export const turn = (): Promise<void> => setTimeout(1)
