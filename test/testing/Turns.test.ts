import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Turns from "../../src/testing/Turns.ts"
import * as Law from "../Law.ts"

type Queue = Pick<Turns.Turns, "add" | "take" | "isEmpty">

const cases = Law.list(
  Arbitrary.all({ do: Law.oneOf("add", "add", "take"), priority: Law.oneOf(0, 0, 0, 1, -1) }),
  60
)

interface Step {
  readonly do: "add" | "take"
  readonly priority: number
}

/** The reference: everything of a round, sorted whenever a round begins. */
const servesInRounds = (make: () => Queue) => (history: ReadonlyArray<Step>): void => {
  const queue = make()
  let round: Array<number> = []
  let coming: Array<{ readonly who: number; readonly priority: number }> = []
  let served: number | undefined
  history.forEach((step, who) => {
    if (step.do === "add") {
      queue.add(() => {
        served = who
      }, step.priority)
      coming.push({ who, priority: step.priority })
    } else {
      if (round.length === 0) {
        round = coming.toSorted((a, b) => a.priority - b.priority || a.who - b.who).map(({ who }) => who)
        coming = []
      }
      served = undefined
      queue.take()?.()
      assert.strictEqual(served, round.shift())
    }
    assert.strictEqual(queue.isEmpty, round.length + coming.length === 0)
  })
}

describe("Turns", () => {
  it.prop("serves by rounds, in a round by priority, and equal ones as they came", [cases], ([history]) => {
    servesInRounds(() => new Turns.Turns())(history)
  }, Law.check(500))

  class Impatient extends Turns.Turns {
    override add(task: Turns.Task): void {
      super.add(task, 0)
    }
  }

  class Backwards implements Queue {
    readonly #tasks: Array<Turns.Task> = []
    get isEmpty(): boolean {
      return this.#tasks.length === 0
    }
    add(task: Turns.Task): void {
      this.#tasks.push(task)
    }
    take(): Turns.Task | undefined {
      return this.#tasks.pop()
    }
  }

  const broken: ReadonlyArray<readonly [string, () => Queue]> = [
    ["knows no priority", () => new Impatient()],
    ["serves the last first", () => new Backwards()]
  ]
  it.effect.each(broken)("is told from one that %s", ([, make]) => Law.isBroken(cases, servesInRounds(make)))
})
