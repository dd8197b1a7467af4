import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as TurnQueue from "../../src/machine/TurnQueue.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof TurnQueue, "make" | "enter" | "leave" | "next" | "serve" | "weightAhead">

interface Case {
  readonly oldestEvery: number
  readonly history: ReadonlyArray<{
    readonly do: "enter" | "leave" | "serve"
    readonly level: number
    readonly weight: number
    readonly newestFirst: boolean
    readonly who: number
  }>
}

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  oldestEvery: Law.oneOf(1, 2, 3, 8, 1000),
  history: Law.list(
    Arbitrary.all({
      do: Law.oneOf("enter", "enter", "enter", "leave", "serve", "serve"),
      level: Law.int(0, 3),
      weight: Law.int(1, 5),
      newestFirst: Law.oneOf(true, false),
      who: Law.int(0, 1000)
    }),
    120
  )
})

interface Waiting {
  readonly who: number
  readonly level: number
  readonly weight: number
  /** By which turn, counted from the first of all, its own has to have come. */
  readonly latest: number
}

/** The reference: an array, sorted anew for every question. */
const behavesAsSorted = (machine: Machine) => ({ history, oldestEvery }: Case): void => {
  const queue = machine.make<number>()
  const places: Array<TurnQueue.Place<number>> = []
  let waiting: Array<Waiting> = []
  let turns = 0
  for (const step of history) {
    const order = { oldestEvery, newestFirst: step.newestFirst }
    const direction = step.newestFirst ? -1 : 1
    const sorted = (turns + 1) % oldestEvery === 0
      ? waiting.toSorted((a, b) => a.who - b.who)
      : waiting.toSorted((a, b) => a.level - b.level || direction * (a.who - b.who))
    const next = machine.next(queue, order)
    assert.strictEqual(next?.value.value, sorted[0]?.who)
    if (step.do === "enter") {
      const who = places.length
      waiting.push({ who, level: step.level, weight: step.weight, latest: turns + oldestEvery * (waiting.length + 1) })
      places.push(machine.enter(queue, who, step.level, step.weight, 0))
    } else if (step.do === "leave" && places.length > 0) {
      const who = step.who % places.length
      assert.strictEqual(machine.leave(queue, places[who]!), waiting.some((other) => other.who === who))
      waiting = waiting.filter((other) => other.who !== who)
    } else if (step.do === "serve" && next !== undefined) {
      machine.serve(queue, next, order)
      waiting = waiting.filter((other) => other.who !== next.value.value)
      turns++
    }
    for (const { latest } of waiting) assert.isAbove(latest, turns, "nobody starves")
    assert.strictEqual(queue.size, waiting.length)
    for (let level = 0; level < TurnQueue.levels; level++) {
      const ahead = waiting.filter((other) => step.newestFirst ? other.level < level : other.level <= level)
      const weight = ahead.reduce((sum, other) => sum + other.weight, 0)
      assert.strictEqual(machine.weightAhead(queue, level, step.newestFirst), weight)
    }
  }
}

describe("TurnQueue", () => {
  it.prop("is an array, sorted by priority and arrival, in which every n-th turn is the oldest's", [cases], ([it]) => {
    behavesAsSorted(TurnQueue)(it)
  }, Law.check(300))

  it("serves the one who came first to a crowd that never ends, in the turns it says", () => {
    const queue = TurnQueue.make<string>()
    const order = { oldestEvery: 8, newestFirst: true }
    for (let n = 0; n < 10; n++) TurnQueue.enter(queue, "before", 0, 1, 0)
    TurnQueue.enter(queue, "background", 3, 1, 0)
    let turns = 0
    for (let served = ""; served !== "background"; turns++) {
      TurnQueue.enter(queue, "later", 0, 1, 0)
      const next = TurnQueue.next(queue, order)!
      TurnQueue.serve(queue, next, order)
      served = next.value.value
    }
    assert.strictEqual(turns, 8 * (10 + 1))
  })

  const oldestOnly: Machine["next"] = (queue) => TurnQueue.next(queue, { oldestEvery: 1, newestFirst: false })
  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["knows no priorities", { ...TurnQueue, next: oldestOnly }],
    ["lets the oldest starve", {
      ...TurnQueue,
      next: (queue, order) => TurnQueue.next(queue, { ...order, oldestEvery: Infinity })
    }],
    ["serves the first first, whatever the order", {
      ...TurnQueue,
      next: (queue, order) => TurnQueue.next(queue, { ...order, newestFirst: false })
    }],
    ["counts no turns", {
      ...TurnQueue,
      serve: (queue, place, order) => {
        TurnQueue.serve(queue, place, order)
        queue.turns = 0
      }
    }],
    ["counts those who leave as served", {
      ...TurnQueue,
      leave: (queue, place) => {
        const stood = TurnQueue.leave(queue, place)
        if (stood) queue.turns++
        return stood
      }
    }],
    ["keeps the weight of those who left", {
      ...TurnQueue,
      leave: (queue, place) => {
        const { level, weight } = place.value
        const stood = TurnQueue.leave(queue, place)
        if (stood) queue.weights[level]! += weight
        return stood
      }
    }],
    ["lets one place go twice", {
      ...TurnQueue,
      leave: (queue, place) => {
        if (place.list === undefined && queue.size > 0) queue.size--
        return TurnQueue.leave(queue, place)
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from a queue that %s",
    ([, machine]) => Law.isBroken(cases, behavesAsSorted(machine))
  )
})
