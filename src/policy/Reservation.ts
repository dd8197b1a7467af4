/**
 * Room at a rate limiter that is taken before it is known how much will be used.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Limits from "../machine/Limits.ts"
import * as Control from "./Control.ts"
import type * as Hint from "./Hint.ts"
import * as InvalidArgument from "./InvalidArgument.ts"
import type * as Turns from "./Turns.ts"
import * as Weight from "./Weight.ts"

/**
 * What was reserved, until it is settled or cancelled; whichever comes first counts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reservation {
  /** What was charged when it was made. */
  readonly reserved: Limits.Cost
  /**
   * Charges what was really used instead: gives back what was reserved beyond
   * it, charges what was used beyond the reservation. The second time changes nothing.
   */
  readonly settle: (actual: Weight.Weight) => Effect.Effect<void, InvalidArgument.InvalidArgument>
  /** Gives all of it back. */
  readonly cancel: Effect.Effect<void>
  /**
   * Learns from the answer to the call this was made for. What has been taken
   * since is not held to be in the answer, and an answer that is older than the
   * last one learned from is ignored.
   */
  readonly learn: (hint: Hint.Hint) => Effect.Effect<void, InvalidArgument.InvalidArgument>
}

/**
 * A reservation of what was just taken.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (turns: Turns.Turns, reserved: Limits.Cost, takenAt: number): Reservation =>
  new OpenReservation(turns, reserved, takenAt)

class OpenReservation implements Reservation {
  readonly reserved: Limits.Cost
  readonly #turns: Turns.Turns
  readonly #takenAt: number
  // all that had been taken by then, itself included
  readonly #takenBefore: Limits.Cost
  #isOpen = true

  constructor(turns: Turns.Turns, reserved: Limits.Cost, takenAt: number) {
    this.reserved = reserved
    this.#turns = turns
    this.#takenAt = takenAt
    this.#takenBefore = turns.limits.taken
  }

  get settle(): Reservation["settle"] {
    return (actual) =>
      Effect.suspend(() => {
        const used = Weight.toCost("Reservation.settle", actual, this.reserved)
        if (used instanceof InvalidArgument.InvalidArgument) return Effect.fail(used)
        this.#close(used)
        return Effect.void
      })
  }

  get cancel(): Effect.Effect<void> {
    return Effect.sync(() => this.#close(nothing))
  }

  get learn(): Reservation["learn"] {
    return (hint) =>
      Control.learn(this.#turns, "Reservation.learn", hint, { takenBefore: this.#takenBefore, at: this.#takenAt })
  }

  #close(used: Limits.Cost): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    const { calls, tokens } = this.reserved
    if (calls === used.calls && tokens === used.tokens) return
    this.#turns.refund({ calls: calls - used.calls, tokens: tokens - used.tokens }, this.#takenAt)
  }
}

const nothing: Limits.Cost = { calls: 0, tokens: 0 }
