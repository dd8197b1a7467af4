import { assert, describe, it } from "@effect/vitest"
import * as DeadlineList from "../../src/machine/DeadlineList.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof DeadlineList, "make" | "enter" | "leave" | "call">

// 0 to 4: someone enters, mostly in order; 5 to 7: one of all who ever came leaves; 8 and 9: time passes and the due are called
const histories = Law.list(Law.int(0, 9999), 120)

/** The reference: an array that is sorted after each newcomer, whoever came first ahead of equals. */
const behavesAsSortedArray = (machine: Machine) => (history: ReadonlyArray<number>): void => {
  const list = machine.make<number>()
  const entries: Array<DeadlineList.Entry<number>> = []
  let waiting: Array<{ readonly who: number; readonly at: number }> = []
  let now = 0
  for (const step of history) {
    const kind = step % 10
    const size = Math.floor(step / 10)
    if (kind <= 4) {
      const at = kind === 0 ? now + size % 40 : now + 30
      waiting = [...waiting, { who: entries.length, at }].toSorted((a, b) => a.at - b.at)
      entries.push(machine.enter(list, at, entries.length))
    } else if (kind <= 7 && entries.length > 0) {
      const who = size % entries.length
      assert.strictEqual(
        machine.leave(entries[who]!),
        waiting.some((other) => other.who === who),
        "who leaves was there"
      )
      waiting = waiting.filter((other) => other.who !== who)
    } else {
      now += size % 12
      const called: Array<number> = []
      for (let who = machine.call(list, now); who !== undefined; who = machine.call(list, now)) called.push(who)
      assert.deepStrictEqual(called, waiting.filter(({ at }) => at <= now).map(({ who }) => who))
      waiting = waiting.filter(({ at }) => at > now)
    }
    const forwards: Array<number> = []
    for (let entry = list.first; entry !== undefined; entry = entry.next) forwards.push(entry.value)
    const backwards: Array<number> = []
    for (let entry = list.last; entry !== undefined; entry = entry.previous) backwards.push(entry.value)
    assert.deepStrictEqual(forwards, waiting.map(({ who }) => who))
    assert.deepStrictEqual(backwards, forwards.toReversed())
    entries.forEach((entry, who) => assert.strictEqual(entry.list === list, forwards.includes(who)))
  }
}

describe("DeadlineList", () => {
  it.prop("is a sorted array in which everyone can leave", [histories], ([history]) => {
    behavesAsSortedArray(DeadlineList)(history)
  }, Law.check(200))

  it("asks nobody to step aside for who is due last", () => {
    const list = DeadlineList.make<number>()
    let looks = 0
    for (let at = 0; at < 100; at++) {
      const entry = DeadlineList.enter(list, at, at)
      Object.defineProperty(entry, "at", {
        get: () => {
          looks++
          return at
        }
      })
    }
    assert.strictEqual(looks, 99)
  })

  it("keeps no hold on who was called or left, so that the memory goes with the call", () => {
    const list = DeadlineList.make<string>()
    const entries = ["a", "b", "c", "d"].map((value, at) => DeadlineList.enter(list, at, value))
    DeadlineList.leave(entries[2]!)
    while (DeadlineList.call(list, 10) !== undefined);
    for (const entry of entries) {
      assert.deepStrictEqual([entry.list, entry.previous, entry.next], [undefined, undefined, undefined])
    }
    assert.deepStrictEqual(list, DeadlineList.make())
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["calls nobody at the very time", {
      ...DeadlineList,
      call: (list, now) => DeadlineList.call(list, now - 1)
    }],
    ["calls those who have left", {
      ...DeadlineList,
      leave: (entry) => entry.list !== undefined
    }],
    ["lets one leave twice", {
      ...DeadlineList,
      leave: (entry) => DeadlineList.leave(entry) || entry.at > 0
    }],
    ["puts everyone last, whenever they are due", {
      ...DeadlineList,
      enter: (list, at, value) => {
        const entry = DeadlineList.enter(list, Infinity, value)
        return Object.assign(entry, { at })
      }
    }],
    ["puts newcomers before their equals", {
      ...DeadlineList,
      enter: (list, at, value) => Object.assign(DeadlineList.enter(list, at - 0.5, value), { at })
    }],
    ["forgets who is next", {
      ...DeadlineList,
      call: (list, now) => {
        const called = DeadlineList.call(list, now)
        if (called !== undefined && list.first === list.last) list.first = list.last = undefined
        return called
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from a list that %s",
    ([, machine]) => Law.isBroken(histories, behavesAsSortedArray(machine))
  )
})
