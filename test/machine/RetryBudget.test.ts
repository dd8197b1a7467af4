import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as RetryBudget from "../../src/machine/RetryBudget.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof RetryBudget, "deposit" | "withdraw" | "refund">

const cases = Arbitrary.all({
  capacity: Law.int(1, 20),
  // fractions that sum up without rounding
  ratio: Law.oneOf(0, 0.125, 0.25, 0.5),
  history: Law.list(Law.oneOf("success", "success", "retry", "retry", "retry", "refund"), 150)
})

interface Case {
  readonly capacity: number
  readonly ratio: number
  readonly history: ReadonlyArray<"success" | "retry" | "refund">
}

const paysForRetriesOutOfSuccesses = (machine: Machine) => ({ capacity, history, ratio }: Case): void => {
  const rule = { capacity, ratio }
  let tokens = capacity
  let successes = 0
  let retries = 0
  let model = capacity
  for (const step of history) {
    if (step === "success") {
      successes++
      model = Math.min(capacity, model + ratio)
      tokens = machine.deposit(tokens, rule)
    } else if (step === "retry") {
      const left = machine.withdraw(tokens)
      assert.strictEqual(left === undefined, model < 1, `${model} are left`)
      if (left === undefined) continue
      retries++
      model--
      tokens = left
    } else if (retries > 0) {
      retries--
      model = Math.min(capacity, model + 1)
      tokens = machine.refund(tokens, rule)
    }
    assert.isAtLeast(tokens, 0)
    assert.isAtMost(tokens, capacity)
    assert.isAtMost(retries, capacity + successes * ratio, "no more retries than were paid for")
  }
}

describe("RetryBudget", () => {
  it.prop("pays for no more retries than it held and successes brought in", [cases], ([it]) => {
    paysForRetriesOutOfSuccesses(RetryBudget)(it)
  }, Law.check(200))

  it("ends retries when nothing succeeds any more", () => {
    let tokens: number | undefined = 10
    let retries = -1
    for (; tokens !== undefined; retries++) tokens = RetryBudget.withdraw(tokens)
    assert.strictEqual(retries, 10)
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["is credited without bound", { ...RetryBudget, deposit: (tokens, rule) => tokens + rule.ratio }],
    ["goes into debt", { ...RetryBudget, withdraw: (tokens) => tokens > 0 ? tokens - 1 : undefined }],
    ["pays retries back twice", { ...RetryBudget, refund: (tokens, rule) => Math.min(rule.capacity, tokens + 2) }]
  ]
  it.effect.each(broken)(
    "is told from a budget that %s",
    ([, machine]) => Law.isBroken(cases, paysForRetriesOutOfSuccesses(machine))
  )
})
