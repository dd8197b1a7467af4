/**
 * What fibers have asked to be run, in the order in which a scheduler runs it: by priority, and first come, first
 * served. What comes while a round is under way is for the next one, so nobody starves.
 *
 * @since 0.1.0
 */

/**
 * Something to run.
 *
 * @category models
 * @since 0.1.0
 */
export type Task = () => void

/**
 * The tasks of this round, and those of the next.
 *
 * @category models
 * @since 0.1.0
 */
export class Turns {
  #round: Array<Task> = []
  #taken = 0
  #coming: Array<Task> = []
  #priorities: Array<number> = []
  #isMixed = false

  /** Whether there is nothing to run. */
  get isEmpty(): boolean {
    return this.#taken === this.#round.length && this.#coming.length === 0
  }

  /** Lets a task in; the lower its priority, the sooner in its round. */
  add(task: Task, priority: number): void {
    if (this.#coming.length > 0 && priority !== this.#priorities[0]) this.#isMixed = true
    this.#coming.push(task)
    this.#priorities.push(priority)
  }

  /** Whose turn it is, if there is anybody. */
  take(): Task | undefined {
    if (this.#taken === this.#round.length) {
      if (this.#coming.length === 0) return undefined
      this.#begin()
    }
    return this.#round[this.#taken++]
  }

  #begin(): void {
    const [coming, priorities] = [this.#coming, this.#priorities]
    const spare = this.#round
    this.#round = this.#isMixed
      ? coming.map((task, index) => ({ task, priority: priorities[index]! }))
        // equal ones stay in order
        .sort((a, b) => a.priority - b.priority)
        .map(({ task }) => task)
      : coming
    this.#taken = 0
    this.#isMixed = false
    this.#coming = spare
    this.#priorities = priorities
    spare.length = priorities.length = 0
  }
}
