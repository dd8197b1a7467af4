/**
 * Counts the changes of something, and wakes those who wait for the next.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"

/**
 * The changes so far.
 *
 * @category models
 * @since 0.1.0
 */
export class Revision {
  /** A plan made at another number is none. */
  number = 0
  readonly #waiting = new Set<() => void>()

  /** Succeeds at the first change after this number, which may have been. */
  after(number: number): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const wake = (): void => resume(Effect.void)
      if (this.number !== number) return wake()
      this.#waiting.add(wake)
      return Effect.sync(() => {
        this.#waiting.delete(wake)
      })
    })
  }

  /** Wakes all who wait; last in a change, so that they find it done. */
  wake(): void {
    const waiting = Array.from(this.#waiting)
    this.#waiting.clear()
    for (const resume of waiting) resume()
  }
}
