import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Allowance from "../../src/machine/Allowance.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Allowance, "make" | "shortOf" | "hold" | "settle" | "left" | "waitFor">

interface Step {
  readonly after: number
  readonly ends: boolean
  readonly money: number
  readonly tokens: number
}

interface Case {
  readonly limit: Allowance.Amount
  readonly window: number
  readonly history: ReadonlyArray<Step>
}

const limits = Arbitrary.all({ money: Law.oneOf(1, 20, 100, Infinity), tokens: Law.oneOf(1, 20, 100, Infinity) })

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  limit: limits,
  window: Law.oneOf(1, 64, 1000, 6400, Infinity),
  history: Law.list(
    Arbitrary.map(
      Arbitrary.all([
        Law.oneOf(0, 0, 1, 15, 99, 100, 700, 6400),
        Law.oneOf(true, false),
        Law.int(0, 30),
        Law.int(0, 30)
      ]),
      ([after, ends, money, tokens]) => ({ after, ends, money, tokens })
    ),
    60
  )
})

const kinds = ["money", "tokens"] as const

interface Call {
  readonly held: Allowance.Amount
  taken: Allowance.Amount
  endedAt: number | undefined
}

/** The reference is a list of what every call took or may take, and when. */
const neverOverspends = (machine: Machine) => ({ history, limit, window }: Case): void => {
  const allowance = machine.make(limit, window)
  const calls: Array<Call> = []
  const open: Array<Call> = []
  const grain = window / Allowance.grains
  const comesBackAt = (endedAt: number): number => (Math.floor(endedAt / grain) + 1) * grain + window
  let now = 0
  const counts = ({ endedAt }: Call, at: number): boolean =>
    endedAt === undefined || window === Infinity || comesBackAt(endedAt) > at
  const sum = (kind: Allowance.Kind, at = now): number =>
    calls.reduce((sum, call) => sum + (counts(call, at) ? call.taken[kind] : 0), 0)
  const isShort = (kind: Allowance.Kind, amount: number, at: number): boolean => sum(kind, at) + amount > limit[kind]
  for (const { after, ends, money, tokens } of history) {
    now += after
    const wanted = { money, tokens }
    if (ends) {
      const call = open.shift()
      if (call === undefined) continue
      // never more than was set aside
      call.taken = { money: Math.min(money, call.held.money), tokens: Math.min(tokens, call.held.tokens) }
      call.endedAt = now
      machine.settle(allowance, call.held, call.taken, now)
    } else {
      const short = kinds.find((kind) => isShort(kind, wanted[kind], now))
      assert.strictEqual(machine.shortOf(allowance, wanted, now), short)
      if (short === undefined) {
        const call: Call = { held: wanted, taken: wanted, endedAt: undefined }
        calls.push(call)
        open.push(call)
        machine.hold(allowance, wanted)
      } else {
        const wait = machine.waitFor(allowance, short, wanted[short], now)
        if (wait === undefined) assert.isTrue(isShort(short, wanted[short], Number.MAX_VALUE))
        else {
          assert.isFalse(isShort(short, wanted[short], now + wait))
          assert.isTrue(isShort(short, wanted[short], now + wait - 0.001))
        }
      }
    }
    for (const kind of kinds) {
      assert.strictEqual(machine.left(allowance, kind, now), limit[kind] - sum(kind))
      // what was spent in any window that ends now, and may yet be
      const lately = calls.reduce(
        (sum, { endedAt = now, taken }) => sum + (now - endedAt < window ? taken[kind] : 0),
        0
      )
      assert.isAtMost(lately, limit[kind])
    }
    assert.isAtMost(allowance.parts.length, Allowance.grains + 1)
  }
  for (const { held } of open) machine.settle(allowance, held, Allowance.nothing, now)
  assert.deepStrictEqual(allowance.held, Allowance.nothing)
}

const broken: Readonly<Record<string, Machine>> = {
  "looks at what was spent only": {
    ...Allowance,
    shortOf: (self, amount, now) => Allowance.shortOf({ ...self, held: { ...Allowance.nothing } }, amount, now)
  },
  "forgets the tokens": {
    ...Allowance,
    shortOf: (self, amount, now) => Allowance.shortOf(self, { ...amount, tokens: 0 }, now)
  },
  "keeps what was set aside": {
    ...Allowance,
    settle: (self, _, spent, now) => Allowance.settle(self, Allowance.nothing, spent, now)
  },
  "charges what was set aside": {
    ...Allowance,
    settle: (self, held, _, now) => Allowance.settle(self, held, held, now)
  },
  "lets one more pass": {
    ...Allowance,
    shortOf: (self, amount, now) => Allowance.shortOf(self, { money: amount.money - 1, tokens: amount.tokens - 1 }, now)
  },
  "gives back a window too early": {
    ...Allowance,
    make: (limit, window = Infinity) => Allowance.make(limit, window / 2)
  },
  "charges at the beginning of time": {
    ...Allowance,
    settle: (self, held, spent) => Allowance.settle(self, held, spent, 0)
  },
  "says that it comes back a little later": {
    ...Allowance,
    waitFor: (self, kind, amount, now) => {
      const wait = Allowance.waitFor(self, kind, amount, now)
      return wait === undefined ? undefined : wait + 1
    }
  }
}

describe("Allowance", () => {
  it.prop("is a list of calls whose sum stays within the limit, over any window", [cases], ([it]) => {
    neverOverspends(Allowance)(it)
  }, Law.check(400))

  it.effect.each(Object.keys(broken))(
    "is told from one that %s",
    (name) => Law.isBroken(cases, neverOverspends(broken[name]!))
  )

  it("says that it is overdrawn where a call took more than was set aside for it", () => {
    const allowance = Allowance.make({ money: 10, tokens: Infinity })
    Allowance.hold(allowance, { money: 5, tokens: 5 })
    Allowance.settle(allowance, { money: 5, tokens: 5 }, { money: 12, tokens: 12 }, 0)
    assert.strictEqual(Allowance.left(allowance, "money", 0), -2)
    assert.strictEqual(Allowance.shortOf(allowance, { money: 0, tokens: 1 }, 0), "money")
    assert.strictEqual(Allowance.left(allowance, "tokens", 0), Infinity)
  })

  it("is idle when nothing that counts was spent, nothing is held and nobody uses it", () => {
    const allowance = Allowance.make({ money: 10, tokens: 10 }, 6400)
    assert.isTrue(Allowance.isIdle(allowance, 0))
    allowance.users++
    assert.isFalse(Allowance.isIdle(allowance, 0))
    allowance.users--
    for (const [one, at] of [[{ money: 0, tokens: 1 }, 50], [{ money: 1, tokens: 0 }, 10_050]] as const) {
      Allowance.hold(allowance, one)
      assert.isFalse(Allowance.isIdle(allowance, at))
      Allowance.settle(allowance, one, one, at)
      assert.isFalse(Allowance.isIdle(allowance, at + 6449))
      assert.isTrue(Allowance.isIdle(allowance, at + 6450))
    }
  })

  it("has no wait for what is there, to the last of it", () => {
    for (const window of [6400, Infinity]) {
      const allowance = Allowance.make({ money: 10, tokens: 10 }, window)
      Allowance.settle(allowance, Allowance.nothing, { money: 4, tokens: 4 }, 0)
      assert.strictEqual(Allowance.waitFor(allowance, "tokens", 6, 0), 0)
      assert.strictEqual(Allowance.waitFor(allowance, "money", 5, 0), 0)
    }
  })

  it("keeps one part for each grain in which something was spent, and no more than a window has, though nobody looks", () => {
    const allowance = Allowance.make({ money: Infinity, tokens: Infinity }, 6400)
    const spend = (tokens: number, at: number) =>
      Allowance.settle(allowance, Allowance.nothing, { money: 0, tokens }, at)
    spend(0, 50)
    assert.lengthOf(allowance.parts, 0)
    for (const at of [0, 99, 100, 150, 199, 20]) spend(1, at)
    assert.deepStrictEqual(allowance.parts.map(({ tokens, until }) => [tokens, until]), [[2, 6500], [4, 6600]])
    for (let at = 200; at < 100_000; at += 50) spend(1, at)
    assert.lengthOf(allowance.parts, Allowance.grains + 1)
  })

  it("never gives back what has no window, until somebody resets it", () => {
    const allowance = Allowance.make({ money: Infinity, tokens: 10 })
    Allowance.settle(allowance, Allowance.nothing, { money: 0, tokens: 4 }, 0)
    assert.strictEqual(Allowance.left(allowance, "tokens", 1e15), 6)
    assert.isUndefined(Allowance.waitFor(allowance, "tokens", 7, 0))
    Allowance.reset(allowance)
    assert.strictEqual(Allowance.left(allowance, "tokens", 0), 10)
  })

  it("adds what is told late to what is there, however the clock stands", () => {
    const allowance = Allowance.make({ money: Infinity, tokens: 10 }, 6400)
    Allowance.settle(allowance, Allowance.nothing, { money: 0, tokens: 4 }, 1000)
    Allowance.settle(allowance, Allowance.nothing, { money: 0, tokens: 4 }, 10)
    assert.strictEqual(Allowance.left(allowance, "tokens", 7499), 2)
    assert.strictEqual(Allowance.left(allowance, "tokens", 7500), 10)
  })
})
