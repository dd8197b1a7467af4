/**
 * The retry that everybody writes: one endpoint, three tries, up to a second and up to two seconds apart, as chance has it. It
 * would obey any `Retry-After`, but its endpoint sends none.
 */
import * as Naive from "./Naive.ts"

export const make = Naive.make({ tries: 3, base: 1000, longest: 60_000, jitter: 1, obeys: Infinity, timeout: 600_000 })
