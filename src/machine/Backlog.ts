/**
 * Remembers how much a limiter that forgets with time still held whenever
 * something was taken, so that giving back late frees only what it would be
 * holding still.
 *
 * A limiter that was idle at some time since has forgotten all that came
 * before; one that was nearly idle has forgotten all but a little. So what may
 * be given back is at most the least it held at any later taking: a minimum
 * over the end of a sequence, kept as a stack of rising minima.
 *
 * @since 0.1.0
 */

// past this many rising minima two neighbours count as one, so that less may be given back, never more
const most = 32

/**
 * The times at which something was taken, and what was held just before.
 *
 * @category models
 * @since 0.1.0
 */
export class Backlog {
  #at = -Infinity
  #held = Infinity
  // earlier minima, the earliest first: time, held, time, held
  #earlier: Array<number> = []

  /** Something is about to be taken. Things taken at one time are one; what comes to light late is not noted. */
  note(at: number, held: number): void {
    if (at <= this.#at) return
    if (held > this.#held) {
      if (this.#earlier.length < 2 * most) this.#earlier.push(this.#at, this.#held)
      else held = this.#held
    } else {
      this.#drop(held)
    }
    this.#at = at
    this.#held = held
  }

  /** Gives back what was taken at a time; returns how much of it was still held. */
  giveBack(amount: number, takenAt: number): number {
    const freed = Math.min(amount, this.#leastAfter(takenAt))
    const pairs = this.#earlier
    this.#earlier = []
    const [at, held] = [this.#at, this.#held]
    this.#at = -Infinity
    this.#held = Infinity
    for (let n = 0; n < pairs.length; n += 2) this.#shift(pairs[n]!, pairs[n + 1]!, amount, freed, takenAt)
    this.#shift(at, held, amount, freed, takenAt)
    return freed
  }

  /** What is held is measured in units so many times smaller from now on. */
  scale(factor: number): void {
    this.#held *= factor
    this.#earlier = this.#earlier.map((it, n) => n % 2 === 0 ? it : it * factor)
  }

  #leastAfter(time: number): number {
    let least = Infinity
    if (this.#at > time) least = this.#held
    const pairs = this.#earlier
    for (let n = pairs.length - 2; n >= 0 && pairs[n]! > time; n -= 2) least = pairs[n + 1]!
    return least
  }

  // later takings find that much less; the earlier ones, seen from where the limiter is now, find more
  #shift(at: number, held: number, amount: number, freed: number, takenAt: number): void {
    this.note(at, at > takenAt ? held - freed : held + amount - freed)
  }

  #drop(held: number): void {
    const pairs = this.#earlier
    while (pairs.length > 0 && pairs.at(-1)! >= held) pairs.length -= 2
  }
}
