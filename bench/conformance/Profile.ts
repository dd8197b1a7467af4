/** How long everything takes, in milliseconds: as the faults are told, or all of it divided by one factor. */

export interface Profile {
  readonly name: "full" | "fast"
  /** What a server that has had enough asks for. */
  readonly retryAfter: number
  /** Between one token and the next. */
  readonly tokenGap: number
  /** Until the first token of a server that takes its time. */
  readonly lateToken: number
  /** How long a server that forgot to end keeps its connection open. */
  readonly linger: number
  /** How long the primary is down, how often it is asked meanwhile, and within what time it has to be used again. */
  readonly outage: number
  readonly every: number
  readonly reuse: number
  /** Whoever has nothing to show after this hangs. */
  readonly patience: number
  /** What our relay allows for a first token, and between two. */
  readonly stall: number
  /** How long its circuit stays open, and after what silence failures begin to be forgotten: by default, in full. */
  readonly openFor: number
  readonly forgetAfter: number
}

const full = {
  retryAfter: 2_000,
  tokenGap: 20,
  lateToken: 20_000,
  linger: 10_000,
  outage: 60_000,
  every: 4_000,
  reuse: 30_000,
  patience: 40_000,
  stall: 5_000,
  openFor: 30_000,
  forgetAfter: 15_000
} as const

const speedUp = 20

const divide = (times: typeof full, by: number): Omit<Profile, "name"> => {
  const divided = Object.entries(times).map(([name, millis]) => [name, millis / by] as const)
  return Object.fromEntries(divided) as Record<keyof typeof full, number>
}

export const profiles: Readonly<Record<Profile["name"], Profile>> = {
  full: { name: "full", ...full },
  fast: { name: "fast", ...divide(full, speedUp) }
}
