/** What is asked, and when: the same list for every client. */
import { Effect, Random } from "effect"
import * as Timeline from "./Timeline.ts"

export interface Request {
  readonly at: number
  readonly prompt: string
}

const size = 400
const prompts = 1_000

/** A few prompts are asked often, most once or never: the weight of a rank, after Zipf and Mandelbrot. */
const weight = (rank: number): number => 1 / (rank + 20)

const tasks = ["Summarise", "Translate", "Classify", "Answer", "Shorten"]

const promptOf = (rank: number): string => `${tasks[rank % tasks.length]} ticket ${1_000 + rank * 7}`

const total = Array.from({ length: prompts }, (_, rank) => weight(rank)).reduce((sum, next) => sum + next, 0)

const pick = (share: number): string => {
  let left = share * total
  for (let rank = 0; rank < prompts; rank++) {
    left -= weight(rank)
    if (left < 0) return promptOf(rank)
  }
  return promptOf(prompts - 1)
}

/** Arrivals without memory: independent moments in the span, in order. */
export const make: Effect.Effect<ReadonlyArray<Request>> = Effect.gen(function*() {
  const random = yield* Random.Random
  const times = Array.from({ length: size }, () => random.nextDoubleUnsafe() * Timeline.span)
  return times.toSorted((a, b) => a - b).map((at) => ({ at, prompt: pick(random.nextDoubleUnsafe()) }))
}).pipe(Random.withSeed("workload"))
