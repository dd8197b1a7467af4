import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as RetryBudget from "../../src/machine/RetryBudget.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof RetryBudget, "make" | "deposit" | "withdraw" | "refund" | "balance">

interface Case {
  readonly rule: RetryBudget.Rule
  readonly history: ReadonlyArray<{ readonly after: number; readonly what: "success" | "retry" | "refund" }>
}

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  rule: Arbitrary.all({
    capacity: Law.int(0, 12),
    // fractions that add up, in the millionths that are counted
    ratio: Law.oneOf(0, 0.1, 0.125, 0.3, 0.5, 1, 2.5),
    ttl: Law.oneOf(10, 100, 1000),
    // intervals of whole milliseconds: at 100 a second one in 10, at 1 a second fewer than one a ttl
    reserve: Law.oneOf(0, 0, 1, 10, 100)
  }),
  history: Law.list(
    Arbitrary.map(
      Arbitrary.all([
        Law.oneOf(0, 0, 0, 1, 3, 11, 47, 130, 1500),
        Law.oneOf("success", "success", "success", "retry", "retry", "retry", "refund")
      ]),
      ([after, what]) => ({ after, what })
    ),
    120
  )
})

/** The reference keeps every deposit with its age, and counts the reserve like coins in a jar. */
const behavesAsLedger = (machine: Machine) => ({ history, rule }: Case): void => {
  const slice = (time: number): number => Math.floor(time / (rule.ttl / 10))
  const most = rule.reserve === 0 ? 0 : Math.max(1, rule.reserve * rule.ttl / 1000)
  const whole = (amount: number): number => Math.round(amount * 1e6)
  const budget = machine.make(rule)
  let ledger: Array<{ readonly at: number; amount: number }> = []
  let jar = most
  let spentAt = -Infinity
  let now = 0
  let outstanding = 0
  let paidIn = 0
  const held = (): number => ledger.reduce((sum, { amount }) => sum + amount, 0)
  const payIn = (at: number, amount: number) => {
    const added = Math.min(amount, whole(rule.capacity) - held())
    ledger.push({ at, amount: added })
    ledger.sort((a, b) => a.at - b.at)
    return added
  }
  for (const { after, what } of history) {
    now += after
    jar = Math.min(most, jar + after * rule.reserve / 1000)
    ledger = ledger.filter(({ amount, at }) => amount > 0 && slice(now) - slice(at) < 10)
    if (what === "success") {
      machine.deposit(budget, now)
      paidIn += payIn(now, whole(rule.ratio))
    } else if (what === "retry") {
      const byDeposits = held() >= 1e6
      const byReserve = !byDeposits && rule.reserve > 0 && jar > 1 - 1e-6
      assert.strictEqual(machine.withdraw(budget, now), byDeposits || byReserve, `${held() / 1e6} and ${jar} are left`)
      if (byDeposits) {
        let owed = 1e6
        for (const entry of ledger) {
          const paid = Math.min(owed, entry.amount)
          entry.amount -= paid
          owed -= paid
          if (paid > 0) spentAt = entry.at
        }
      }
      if (byReserve) jar -= 1
      if (byDeposits || byReserve) outstanding++
    } else if (outstanding > 0) {
      outstanding--
      machine.refund(budget, now)
      if (rule.reserve > 0 && jar < most - 1e-9) jar = Math.min(most, jar + 1)
      else if (slice(now) - slice(spentAt) < 10) payIn(spentAt, 1e6)
    }
    const { deposits, reserve } = machine.balance(budget, now)
    assert.strictEqual(deposits, held() / 1e6)
    assert.closeTo(reserve, jar, 1e-6)
    assert.isAtLeast(deposits, 0)
    assert.isAtMost(deposits, rule.capacity)
    assert.isAtLeast(reserve, 0)
    assert.isAtMost(reserve, most + 1e-6)
    const free = most + now * rule.reserve / 1000
    assert.isAtMost(outstanding, paidIn / 1e6 + free + 1e-6, "no more retries than were paid for")
  }
}

const endless = { ratio: 0.1, capacity: 10, ttl: Infinity, reserve: 0 }

describe("RetryBudget", () => {
  it.prop("is a ledger of deposits with their ages, and a jar that fills by itself", [cases], ([it]) => {
    behavesAsLedger(RetryBudget)(it)
  }, Law.check(400))

  it("ends retries when nothing succeeds any more", () => {
    const budget = RetryBudget.make(endless, 10)
    let retries = 0
    while (RetryBudget.withdraw(budget, retries * 1e9)) retries++
    assert.strictEqual(retries, 10)
  })

  it("takes ten successes at a tenth for one retry, and nine for none", () => {
    const budget = RetryBudget.make(endless)
    for (let success = 0; success < 9; success++) RetryBudget.deposit(budget, 0)
    assert.isFalse(RetryBudget.withdraw(budget, 0))
    RetryBudget.deposit(budget, 0)
    assert.isTrue(RetryBudget.withdraw(budget, 0))
    assert.strictEqual(RetryBudget.balance(budget, 0).deposits, 0)
  })

  it("counts what it was made with from its first use, and not from the beginning of time", () => {
    const budget = RetryBudget.make({ ratio: 1, capacity: 10, ttl: 1000, reserve: 0 }, 2)
    assert.strictEqual(RetryBudget.balance(budget, 750).deposits, 2)
    assert.strictEqual(RetryBudget.balance(budget, 1650).deposits, 2)
    assert.strictEqual(RetryBudget.balance(budget, 1700).deposits, 0)
  })

  it("forgets nothing when a clock steps back", () => {
    const budget = RetryBudget.make({ ratio: 1, capacity: 10, ttl: 1000, reserve: 0 })
    RetryBudget.deposit(budget, 1050)
    RetryBudget.deposit(budget, 950)
    assert.strictEqual(RetryBudget.balance(budget, 1050).deposits, 2)
  })

  it("lends nothing back that would be forgotten by now, to the slice", () => {
    const spent = () => {
      const budget = RetryBudget.make({ ratio: 1, capacity: 10, ttl: 1000, reserve: 0 })
      RetryBudget.deposit(budget, 0)
      RetryBudget.withdraw(budget, 0)
      return budget
    }
    for (const [at, deposits] of [[999, 1], [1000, 0]] as const) {
      const budget = spent()
      RetryBudget.refund(budget, at)
      assert.strictEqual(RetryBudget.balance(budget, at).deposits, deposits)
    }
  })

  it("forgets a good hour, after a ttl at the latest and nine tenths of it at the earliest", () => {
    for (const at of [0, 1, 37, 99]) {
      const budget = RetryBudget.make({ ratio: 1, capacity: 10, ttl: 1000, reserve: 0 })
      RetryBudget.deposit(budget, at)
      assert.strictEqual(RetryBudget.balance(budget, at + 900).deposits, 1)
      assert.strictEqual(RetryBudget.balance(budget, at + 1000).deposits, 0)
    }
  })

  it("lets its reserve pay at its own pace, however long the outage", () => {
    const budget = RetryBudget.make({ ratio: 0, capacity: 10, ttl: 10_000, reserve: 2 })
    let retries = 0
    for (let now = 0; now < 60_000; now += 10) if (RetryBudget.withdraw(budget, now)) retries++
    // what had gathered in one ttl, and then two a second
    assert.strictEqual(retries, 20 + 119)
  })

  it("is not made richer by paying back", () => {
    for (const reserve of [0, 5]) {
      const budget = RetryBudget.make({ ratio: 1, capacity: 3, ttl: 1000, reserve })
      for (let success = 0; success < 3; success++) RetryBudget.deposit(budget, 0)
      const before = RetryBudget.balance(budget, 0)
      for (let turn = 0; turn < 100; turn++) {
        assert.isTrue(RetryBudget.withdraw(budget, 0))
        RetryBudget.refund(budget, 0)
      }
      assert.deepStrictEqual(RetryBudget.balance(budget, 0), before)
      RetryBudget.refund(budget, 5000)
      assert.strictEqual(RetryBudget.balance(budget, 5000).deposits, 0, "what has been forgotten stays so")
    }
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["is credited without bound", {
      ...RetryBudget,
      make: (rule, deposited) => RetryBudget.make({ ...rule, capacity: rule.capacity + 5 }, deposited)
    }],
    ["remembers deposits for ever", {
      ...RetryBudget,
      make: (rule, deposited) => ({ ...RetryBudget.make(rule, deposited), rule: { ...rule, ttl: rule.ttl * 1000 } })
    }],
    ["forgets a tenth too early", {
      ...RetryBudget,
      deposit: (budget, now) => {
        RetryBudget.deposit(budget, now - budget.rule.ttl / 10)
        RetryBudget.balance(budget, now)
      }
    }],
    ["goes into debt", {
      ...RetryBudget,
      withdraw: (budget, now) => RetryBudget.withdraw(budget, now) || budget.deposits > 0
    }],
    ["pays retries back twice", {
      ...RetryBudget,
      refund: (budget, now) => {
        RetryBudget.refund(budget, now)
        RetryBudget.refund(budget, now)
      }
    }],
    ["does not pay back", { ...RetryBudget, refund: () => {} }],
    ["lets its reserve pay first", {
      ...RetryBudget,
      withdraw: (budget, now) => {
        const { deposits } = budget
        budget.deposits = 0
        const paid = RetryBudget.withdraw(budget, now)
        budget.deposits = deposits
        return paid || RetryBudget.withdraw(budget, now)
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from a budget that %s",
    ([, machine]) => Law.isBroken(cases, behavesAsLedger(machine))
  )
})
