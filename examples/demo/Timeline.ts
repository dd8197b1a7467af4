/** What happens to the world, and when: milliseconds since a client's run began. */
import { Clock, Effect } from "effect"

export type Phase = "healthy" | "slow" | "down"

/** New requests arrive for this long. */
export const span = 9_500

export const slowFrom = 3_500
export const downFrom = 6_500

/** While the primary does this, its health check stays green until it is down. */
export const phaseAt = (elapsed: number): Phase => elapsed < slowFrom ? "healthy" : elapsed < downFrom ? "slow" : "down"

/** When the backup is out of capacity: from, until. */
export const busy: ReadonlyArray<readonly [number, number]> = [[1_500, 2_100], [4_700, 5_300], [8_000, 8_600]]

export interface Timeline {
  readonly begin: Effect.Effect<void>
  /** 0 until `begin`. */
  readonly elapsed: Effect.Effect<number>
}

export const make: Effect.Effect<Timeline> = Effect.sync(() => {
  let startedAt: bigint | undefined
  return {
    begin: Effect.map(Clock.monotonicTimeNanos, (now) => {
      startedAt = now
    }),
    elapsed: Effect.map(Clock.monotonicTimeNanos, (now) => startedAt === undefined ? 0 : Number(now - startedAt) / 1e6)
  }
})
