import { assert, describe, it } from "@effect/vitest"
import * as WaitList from "../../src/machine/WaitList.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof WaitList, "make" | "enter" | "leave" | "serve">

// 0 to 2: someone enters; 3: one of all who ever came leaves; 4: the first is served
const histories = Law.list(Law.int(0, 499), 120)

/** The reference: an array. Serving is `shift`, leaving a search. */
const behavesAsArray = (machine: Machine) => (history: ReadonlyArray<number>): void => {
  const list = machine.make<number>()
  const places: Array<WaitList.Place<number>> = []
  let queue: Array<number> = []
  for (const step of history) {
    const kind = step % 5
    if (kind <= 2) {
      queue.push(places.length)
      places.push(machine.enter(list, places.length))
    } else if (kind === 3 && places.length > 0) {
      const who = step % places.length
      queue = queue.filter((other) => other !== who)
      machine.leave(places[who]!)
    } else if (kind === 4) {
      assert.strictEqual(machine.serve(list), queue.shift())
    }
    assert.strictEqual(list.size, queue.length)
    const forwards: Array<number> = []
    for (let place = list.first; place !== undefined; place = place.next) forwards.push(place.value)
    const backwards: Array<number> = []
    for (let place = list.last; place !== undefined; place = place.previous) backwards.push(place.value)
    assert.deepStrictEqual(forwards, queue)
    assert.deepStrictEqual(backwards, queue.toReversed())
    places.forEach((place, who) => assert.strictEqual(place.list === list, queue.includes(who)))
  }
}

describe("WaitList", () => {
  it.prop("is an array in which everyone can leave", [histories], ([history]) => {
    behavesAsArray(WaitList)(history)
  }, Law.check(150))

  it("lets a place go once: leaving again changes nothing for those who came after", () => {
    const list = WaitList.make<string>()
    const a = WaitList.enter(list, "a")
    WaitList.leave(a)
    WaitList.enter(list, "b")
    WaitList.leave(a)
    assert.deepStrictEqual([list.size, WaitList.serve(list), WaitList.serve(list)], [1, "b", undefined])
  })

  it("keeps no hold on who was served, so that the memory goes with the call", () => {
    const list = WaitList.make<string>()
    const places = ["a", "b", "c"].map((value) => WaitList.enter(list, value))
    while (WaitList.serve(list) !== undefined);
    for (const place of places) {
      assert.deepStrictEqual([place.list, place.previous, place.next], [undefined, undefined, undefined])
    }
    assert.deepStrictEqual(list, WaitList.make())
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["serves the last to come", {
      ...WaitList,
      serve: (list) => {
        const place = list.last
        if (place !== undefined) WaitList.leave(place)
        return place?.value
      }
    }],
    ["serves those who have left", { ...WaitList, leave: () => {} }],
    ["lets one place go twice", {
      ...WaitList,
      leave: (place) => {
        const list = place.list
        WaitList.leave(place)
        if (list !== undefined && list.size > 3) list.size--
      }
    }],
    ["puts newcomers in front", {
      ...WaitList,
      enter: (list, value) => {
        const place = WaitList.enter(list, value)
        const second = list.first
        if (second !== undefined && second !== place && list.size === 2) {
          Object.assign(second, { previous: place, next: undefined })
          Object.assign(place, { previous: undefined, next: second })
          list.first = place
          list.last = second
        }
        return place
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from a list that %s",
    ([, machine]) => Law.isBroken(histories, behavesAsArray(machine))
  )
})
