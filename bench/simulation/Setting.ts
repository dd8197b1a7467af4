/** All that a client lives through: who asks, whom it can ask, and what it may use. */
import type { RelayService } from "effect-relay"
import type { SimulatedEndpoint, Traffic } from "effect-relay/testing"

export interface Setting {
  readonly seed: number
  readonly traffic: Traffic.Traffic
  /** In the order in which clients with a list go through them. */
  readonly endpoints: ReadonlyArray<SimulatedEndpoint.SimulatedEndpoint>
  /** What a relay is told of their accounts. */
  readonly accounts: NonNullable<RelayService.Options["accounts"]>
  /** The place of the only endpoint that clients without a list ask. */
  readonly pinned: number
  /** How long a caller waits for an answer, milliseconds. */
  readonly patience: number
  /** How many answers may be kept, and for how many milliseconds. */
  readonly cache: { readonly capacity: number; readonly timeToLive: number }
  /** Notes are taken so many times, once in so many milliseconds. */
  readonly notes: number
  readonly every: number
  /** How often what this costs is to be paid in a month. */
  readonly perMonth: number
  /** When the wall clock is put forward, or back, and by how many milliseconds. */
  readonly shifts: ReadonlyArray<{ readonly at: number; readonly by: number }>
}
