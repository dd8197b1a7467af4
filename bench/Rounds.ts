/** Slices of all subjects in turn, over and over, so that what slows the machine down slows all of them. */
import * as Case from "./Case.ts"
import * as Lane from "./Lane.ts"
import * as Sample from "./Sample.ts"
import * as Subjects from "./Subjects.ts"

export interface Plan {
  readonly rounds: number
  /** Milliseconds of each slice, and of what runs before the first. */
  readonly slice: number
  readonly warmup: number
  /** Whether all subjects and cases run in one process. */
  readonly together: boolean
}

/** Medians over the rounds, and the CPU time of the best of them. */
export interface Medians extends Sample.Sample {
  readonly best: number
}

const medianOf = (samples: ReadonlyArray<Sample.Sample>): Medians => {
  const of = (read: (sample: Sample.Sample) => number): number => Sample.median(samples.map(read))
  return {
    cpu: of(({ cpu }) => cpu),
    wall: of(({ wall }) => wall),
    best: Math.min(...samples.map(({ cpu }) => cpu)),
    ...(samples[0]?.p50 === undefined ? {} : { p50: of(({ p50 }) => p50!), p99: of(({ p99 }) => p99!) })
  }
}

/** Everyone who can do a case does it. */
export const run = async (name: Case.Name, plan: Plan): Promise<ReadonlyMap<Case.Subject, Medians>> => {
  const able: Array<Case.Subject> = []
  for (const subject of Case.subjects) if (await Subjects.has(name, subject)) able.push(subject)
  const lanes = await Promise.all(able.map((subject) => (plan.together ? Lane.here : Lane.apart)(name, subject)))
  try {
    const turns: Array<{ readonly lane: Lane.Lane; readonly calls: number; readonly samples: Array<Sample.Sample> }> =
      []
    for (const lane of lanes) turns.push({ lane, calls: await lane.warm(plan.warmup, plan.slice), samples: [] })
    for (let round = 0; round < plan.rounds; round++) {
      for (const { calls, lane, samples } of turns) samples.push(await lane.take(calls))
    }
    return new Map(turns.map(({ lane, samples }) => [lane.subject, medianOf(samples)]))
  } finally {
    for (const lane of lanes) lane.close()
  }
}
