/** The retry that everybody writes: one endpoint, three tries, a second and two seconds apart, any `Retry-After` obeyed. */
import * as Naive from "./Naive.ts"

export const make = Naive.make({ tries: 3, base: 1000, longest: 60_000, jitter: 1, obeys: Infinity, timeout: 600_000 })
