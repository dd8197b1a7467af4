import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as CacheStore from "../../src/machine/CacheStore.ts"
import * as Popularity from "../../src/machine/Popularity.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof CacheStore, "make" | "use" | "keep" | "remove" | "clear" | "bytes">

interface Case {
  readonly entries: number
  readonly bytes: number
  readonly history: ReadonlyArray<{
    readonly do: "ask" | "remove" | "clear"
    readonly key: number
    readonly bytes: number
    readonly lives: number
    readonly later: number
  }>
}

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  entries: Law.oneOf(1, 2, 3, 5, 8, 11),
  bytes: Law.oneOf(20, 60, 1000),
  history: Law.list(
    Arbitrary.all({
      do: Law.oneOf("ask", "ask", "ask", "ask", "ask", "ask", "ask", "ask", "remove", "clear"),
      key: Law.oneOf(0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13),
      bytes: Law.int(1, 25),
      lives: Law.oneOf(30, 30, 30, 200),
      later: Law.oneOf(0, 0, 1, 5)
    }),
    150
  )
})

interface Kept {
  readonly key: string
  readonly bytes: number
  readonly goneAt: number
  uses: number
}

/** The reference: lists that are searched and written anew for every step, and a count for each key that was ever asked for. */
class ByLists {
  small: Array<Kept> = []
  main: Array<Kept> = []
  /** In the order in which they were written. */
  written: Array<Kept> = []
  counts = new Map<string, number>()
  counted = 0
  evicted = 0
  readonly entries: number
  readonly limit: number

  constructor(entries: number, limit: number) {
    this.entries = entries
    this.limit = limit
  }

  static bytesOf = (kept: ReadonlyArray<Kept>): number => kept.reduce((sum, { bytes }) => sum + bytes, 0)

  get bytes(): number {
    return ByLists.bytesOf(this.written)
  }

  find(key: string): Kept | undefined {
    return this.written.find((kept) => kept.key === key)
  }

  remove(key: string): void {
    const without = (kept: ReadonlyArray<Kept>) => kept.filter((kept) => kept.key !== key)
    this.small = without(this.small)
    this.main = without(this.main)
    this.written = without(this.written)
  }

  clear(): void {
    this.small = []
    this.main = []
    this.written = []
    this.counts.clear()
    this.counted = 0
  }

  use(key: string): Kept | undefined {
    if (this.counted === 30 * this.entries) {
      for (const [key, count] of this.counts) this.counts.set(key, Math.floor(count / 2))
      this.counted = 0
    }
    this.counted++
    this.counts.set(key, Math.min(15, (this.counts.get(key) ?? 0) + 1))
    const kept = this.find(key)
    if (kept !== undefined) kept.uses = Math.min(3, kept.uses + 1)
    return kept
  }

  popularityOf = ({ key }: Kept): number => this.counts.get(key) ?? 0

  rotate(): Kept {
    while (true) {
      const first = this.main[0]!
      if (first.uses === 0) return first
      first.uses--
      this.main = [...this.main.slice(1), first]
    }
  }

  victim(now: number): Kept {
    if (this.written[0]!.goneAt <= now) return this.written[0]!
    while (true) {
      const isLarge = this.small.length >= this.entries / 10 || ByLists.bytesOf(this.small) >= this.limit / 10
      if (this.small.length === 0 || (!isLarge && this.main.length > 0)) return this.rotate()
      const candidate = this.small[0]!
      const isUsed = candidate.uses > 0
      if (!isUsed && this.popularityOf(candidate) < 2) return candidate
      const isFull = this.main.length >= this.entries * 0.9 || ByLists.bytesOf(this.main) >= this.limit * 0.9
      const rival = isFull ? this.rotate() : undefined
      if (rival !== undefined && !isUsed && this.popularityOf(candidate) <= this.popularityOf(rival)) return candidate
      candidate.uses = 0
      this.small = this.small.slice(1)
      this.main = [...this.main, candidate]
      if (rival !== undefined) return rival
    }
  }

  keep(key: string, bytes: number, goneAt: number, now: number): boolean {
    const old = this.find(key)
    const wasMain = this.main.some((kept) => kept.key === key)
    this.remove(key)
    if (bytes > this.limit) return false
    while (this.written.length >= this.entries || this.bytes + bytes > this.limit) {
      this.remove(this.victim(now).key)
      this.evicted++
    }
    const kept = { key, bytes, goneAt, uses: old?.uses ?? 0 }
    this.written = [...this.written, kept]
    if (wasMain) this.main = [...this.main, kept]
    else this.small = [...this.small, kept]
    return true
  }
}

const behavesAsLists = (machine: Machine) => ({ bytes, entries, history }: Case): void => {
  const store = machine.make<string>({ entries, bytes })
  const lists = new ByLists(entries, bytes)
  let now = 0
  for (const step of history) {
    now += step.later
    const key = `key ${step.key}`
    if (step.do === "clear") {
      machine.clear(store)
      lists.clear()
    } else if (step.do === "remove") {
      machine.remove(store, key)
      lists.remove(key)
    } else {
      const kept = lists.use(key)
      assert.strictEqual(machine.use(store, key), kept?.key)
      if (kept === undefined || kept.goneAt <= now) {
        const isKept = lists.keep(key, step.bytes, now + step.lives, now)
        assert.strictEqual(machine.keep(store, key, key, step.bytes, now + step.lives, now), isKept)
      }
    }
    assert.sameMembers(Array.from(store.entries.keys()), lists.written.map(({ key }) => key))
    assert.strictEqual(machine.bytes(store), lists.bytes)
    assert.isAtMost(store.entries.size, entries)
    assert.isAtMost(machine.bytes(store), bytes)
    assert.strictEqual(store.evicted, lists.evicted)
  }
}

describe("CacheStore", () => {
  it.prop("is two lists, of which goes first what is gone, then what nobody asks for", [cases], ([it]) => {
    behavesAsLists(CacheStore)(it)
  }, Law.check(400))

  it("keeps what is popular through a scan that is many times its size", () => {
    const store = CacheStore.make<number>({ entries: 100, bytes: Infinity })
    const ask = (key: string) => {
      if (CacheStore.use(store, key) !== undefined) return true
      CacheStore.keep(store, key, 1, 1, Infinity, 0)
      return false
    }
    for (let time = 0; time < 3; time++) for (let n = 0; n < 80; n++) ask(`popular ${n}`)
    for (let n = 0; n < 2000; n++) ask(`once ${n}`)
    let hits = 0
    for (let n = 0; n < 80; n++) if (ask(`popular ${n}`)) hits++
    assert.strictEqual(hits, 80)
  })

  it("keeps a popular key's place when its value is written anew", () => {
    const store = CacheStore.make<number>({ entries: 3, bytes: Infinity })
    CacheStore.keep(store, "a", 1, 1, 10, 0)
    CacheStore.use(store, "a")
    CacheStore.keep(store, "a", 2, 1, 20, 10)
    assert.deepStrictEqual([CacheStore.use(store, "a"), store.entries.get("a")!.uses], [2, 2])
  })

  it("counts three uses of an entry at most, and takes nobody else for whom was asked for last", () => {
    const store = CacheStore.make<number>({ entries: 3, bytes: Infinity })
    CacheStore.keep(store, "a", 1, 1, 10, 0)
    for (let time = 0; time < 5; time++) CacheStore.use(store, "a")
    assert.strictEqual(store.entries.get("a")!.uses, 3)
    CacheStore.use(store, "b")
    CacheStore.keep(store, "c", 1, 1, 10, 0)
    CacheStore.keep(store, "b", 1, 1, 10, 0)
    for (const key of ["b", "c"]) assert.strictEqual(store.entries.get(key)!.print, Popularity.print(key))
  })

  it("throws out what is gone from that very moment on, however often it was used", () => {
    const store = CacheStore.make<number>({ entries: 2, bytes: Infinity })
    CacheStore.keep(store, "a", 1, 1, 10, 0)
    CacheStore.keep(store, "b", 1, 1, 20, 0)
    for (let time = 0; time < 3; time++) CacheStore.use(store, "a")
    CacheStore.keep(store, "c", 1, 1, 20, 10)
    assert.sameMembers(Array.from(store.entries.keys()), ["b", "c"])
  })

  it("has a tenth of its entries for newcomers, and lets one of them go when that is full", () => {
    const store = CacheStore.make<number>({ entries: 10, bytes: Infinity })
    const keys = Array.from({ length: 10 }, (_, n) => `key ${n}`)
    for (const key of keys) CacheStore.keep(store, key, 1, 1, Infinity, 0)
    for (const key of keys.slice(0, 9)) CacheStore.use(store, key)
    CacheStore.keep(store, "new", 1, 1, Infinity, 0)
    assert.sameMembers(Array.from(store.entries.keys()), [...keys.slice(0, 9), "new"])
  })

  describe("where the main queue is full", () => {
    /** Keeps one that fills the main queue and was asked for three times, two newcomers, and another for which there is no room. */
    const left = (asked: number, used = 0): ReadonlyArray<string> => {
      const store = CacheStore.make<number>({ entries: 10, bytes: 100 })
      const keep = (key: string, bytes: number) => CacheStore.keep(store, key, 1, bytes, Infinity, 0)
      CacheStore.use(store, "main")
      keep("main", 90)
      for (let time = 0; time < 2; time++) CacheStore.use(store, "main")
      for (let time = used; time < asked; time++) CacheStore.use(store, "first")
      keep("first", 5)
      for (let time = 0; time < used; time++) CacheStore.use(store, "first")
      keep("second", 5)
      keep("new", 5)
      return Array.from(store.entries.keys())
    }

    it("lets a newcomer over only if it is more popular than whoever is next to leave", () => {
      assert.deepStrictEqual(left(2), ["main", "second", "new"])
      assert.deepStrictEqual(left(3), ["main", "second", "new"])
    })

    it("lets go whoever is next, and nobody else, once a newcomer went over", () => {
      assert.deepStrictEqual(left(4), ["first", "second", "new"])
    })

    it("lets a newcomer over that was used, however popular", () => {
      assert.deepStrictEqual(left(2, 1), ["first", "second", "new"])
    })
  })

  it("lets a newcomer over that was used, also if how often is forgotten", () => {
    const store = CacheStore.make<number>({ entries: 2, bytes: Infinity })
    CacheStore.keep(store, "a", 1, 1, Infinity, 0)
    CacheStore.use(store, "a")
    Popularity.clear(store.popularity)
    CacheStore.keep(store, "b", 1, 1, Infinity, 0)
    CacheStore.keep(store, "c", 1, 1, Infinity, 0)
    assert.sameMembers(Array.from(store.entries.keys()), ["a", "c"])
  })

  it("does not keep what is larger than the whole, nor what it would have replaced", () => {
    const store = CacheStore.make<number>({ entries: 3, bytes: 10 })
    CacheStore.keep(store, "a", 1, 10, 10, 0)
    assert.isFalse(CacheStore.keep(store, "a", 2, 11, 10, 0))
    assert.deepStrictEqual([store.entries.size, CacheStore.bytes(store)], [0, 0])
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["counts no uses", {
      ...CacheStore,
      use: (store, key) => {
        const uses = store.entries.get(key)?.uses
        const value = CacheStore.use(store, key)
        if (uses !== undefined) store.entries.get(key)!.uses = uses
        return value
      }
    }],
    ["does not care what was popular", {
      ...CacheStore,
      use: (store, key) => {
        const value = CacheStore.use(store, key)
        store.popularity.counts.fill(0)
        return value
      }
    }],
    ["throws out no sooner what is gone", {
      ...CacheStore,
      keep: (store, key, value, bytes, goneAt) => CacheStore.keep(store, key, value, bytes, goneAt, -1)
    }],
    ["has one entry more", {
      ...CacheStore,
      make: ({ bytes, entries }) => CacheStore.make({ bytes, entries: entries + 1 })
    }],
    ["does not count bytes", {
      ...CacheStore,
      make: ({ entries }) => CacheStore.make({ entries, bytes: Infinity })
    }],
    ["takes everything newly written for new", {
      ...CacheStore,
      keep: (store, key, ...rest) => {
        CacheStore.remove(store, key)
        return CacheStore.keep(store, key, ...rest)
      }
    }],
    ["keeps the bytes of what was removed", {
      ...CacheStore,
      remove: (store, key) => {
        const entry = store.entries.get(key)
        CacheStore.remove(store, key)
        if (entry !== undefined) store.small.bytes += entry.bytes
      }
    }],
    ["remembers what was popular before it was cleared", {
      ...CacheStore,
      clear: (store) => {
        const counts = store.popularity.counts.slice()
        CacheStore.clear(store)
        store.popularity.counts.set(counts)
      }
    }]
  ]
  it.effect.each(broken)("is told from a store that %s", ([, machine]) => Law.isBroken(cases, behavesAsLists(machine)))
})
