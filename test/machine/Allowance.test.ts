import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Allowance from "../../src/machine/Allowance.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Allowance, "make" | "shortOf" | "hold" | "settle" | "left">

interface Case {
  readonly limit: Allowance.Amount
  readonly history: ReadonlyArray<{ readonly ends: boolean; readonly money: number; readonly tokens: number }>
}

const amount = Arbitrary.all({ money: Law.int(0, 30), tokens: Law.int(0, 30) })

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  limit: Arbitrary.all({ money: Law.oneOf(1, 20, 100, Infinity), tokens: Law.oneOf(1, 20, 100, Infinity) }),
  history: Law.list(
    Arbitrary.map(
      Arbitrary.all([Law.oneOf(true, false), amount]),
      ([ends, { money, tokens }]) => ({ ends, money, tokens })
    ),
    60
  )
})

/** The reference is a list of what every call took or may take. */
const neverOverspends = (machine: Machine) => ({ history, limit }: Case): void => {
  const allowance = machine.make(limit)
  const calls: Array<{ readonly held: Allowance.Amount; taken: Allowance.Amount }> = []
  const open: Array<(typeof calls)[number]> = []
  const sum = (kind: Allowance.Kind): number => calls.reduce((sum, { taken }) => sum + taken[kind], 0)
  for (const { ends, money, tokens } of history) {
    const wanted = { money, tokens }
    if (ends) {
      const call = open.shift()
      if (call === undefined) continue
      // never more than was set aside
      call.taken = { money: Math.min(money, call.held.money), tokens: Math.min(tokens, call.held.tokens) }
      machine.settle(allowance, call.held, call.taken)
    } else {
      const short = sum("money") + money > limit.money
        ? "money"
        : sum("tokens") + tokens > limit.tokens
        ? "tokens"
        : undefined
      assert.strictEqual(machine.shortOf(allowance, wanted), short)
      if (short === undefined) {
        const call = { held: wanted, taken: wanted }
        calls.push(call)
        open.push(call)
        machine.hold(allowance, wanted)
      }
    }
    for (const kind of ["money", "tokens"] as const) {
      assert.strictEqual(machine.left(allowance, kind), limit[kind] - sum(kind))
      assert.isAtMost(sum(kind), limit[kind])
    }
  }
  for (const { held } of open) machine.settle(allowance, held, Allowance.nothing)
  assert.deepStrictEqual(allowance.held, Allowance.nothing)
}

const broken: Readonly<Record<string, Machine>> = {
  "looks at what was spent only": {
    ...Allowance,
    shortOf: (self, amount) => Allowance.shortOf({ ...self, held: { ...Allowance.nothing } }, amount)
  },
  "forgets the tokens": {
    ...Allowance,
    shortOf: (self, amount) => Allowance.shortOf(self, { ...amount, tokens: 0 })
  },
  "keeps what was set aside": {
    ...Allowance,
    settle: (self, _, spent) => Allowance.settle(self, Allowance.nothing, spent)
  },
  "charges what was set aside": {
    ...Allowance,
    settle: (self, held) => Allowance.settle(self, held, held)
  }
}

describe("Allowance", () => {
  it.prop("is a list of calls whose sum stays within the limit", [cases], ([it]) => {
    neverOverspends(Allowance)(it)
  }, Law.check(400))

  it.effect.each(Object.keys(broken))(
    "is told from one that %s",
    (name) => Law.isBroken(cases, neverOverspends(broken[name]!))
  )

  it("says that it is overdrawn where a call took more than was set aside for it", () => {
    const allowance = Allowance.make({ money: 10, tokens: Infinity })
    Allowance.hold(allowance, { money: 5, tokens: 5 })
    Allowance.settle(allowance, { money: 5, tokens: 5 }, { money: 12, tokens: 12 })
    assert.strictEqual(Allowance.left(allowance, "money"), -2)
    assert.strictEqual(Allowance.shortOf(allowance, { money: 0, tokens: 1 }), "money")
    assert.strictEqual(Allowance.left(allowance, "tokens"), Infinity)
  })
})
