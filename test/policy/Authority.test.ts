import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import * as Machine from "../../src/machine/RetryBudget.ts"
import * as Authority from "../../src/policy/Authority.ts"

const budget = (retries = 100) => Machine.make({ ratio: 0.1, capacity: 100, ttl: Infinity, reserve: 0 }, retries)
const make = (attempts: number, parent?: Authority.Authority, paysFrom = budget()) =>
  new Authority.Authority(attempts, paysFrom, parent)
const left = ({ budget }: Authority.Authority): number => Machine.balance(budget, 0).deposits

describe("an authority", () => {
  it("has so many attempts, the first among them", () => {
    const authority = make(2)
    assert.isFalse(authority.isOver)
    for (const isFirst of [true, false]) {
      assert.isTrue(authority.hasLeft(isFirst))
      authority.take(isFirst)
    }
    assert.deepStrictEqual([authority.hasLeft(true), authority.hasLeft(false)], [false, false])
  })

  it("counts a first attempt by itself, and each one more all the way out", () => {
    const outer = make(3)
    const middle = make(10, outer)
    const inner = make(10, middle)
    inner.take(true)
    inner.take(false)
    inner.take(false)
    assert.isTrue(outer.hasLeft(false))
    inner.take(false)
    for (const authority of [outer, middle, inner]) assert.isFalse(authority.hasLeft(false))
    assert.deepStrictEqual([inner.hasLeft(true), middle.hasLeft(true), outer.hasLeft(true)], [true, true, false])
  })

  it("asks those around it only for one more", () => {
    const inner = make(1, make(0))
    assert.deepStrictEqual([inner.hasLeft(true), inner.hasLeft(false)], [true, false])
    assert.isTrue(make(1, make(1)).hasLeft(false))
  })

  it("pays from the outermost budget, together with an attempt, or neither", () => {
    const outer = make(2, undefined, budget(5))
    const inner = make(5, outer, budget(0))
    assert.strictEqual(inner.budget, outer.budget)
    assert.deepStrictEqual([inner.withdrawUnsafe(0), left(outer)], [true, 4])
    assert.deepStrictEqual([inner.withdrawUnsafe(0), left(outer)], [true, 3])
    assert.deepStrictEqual([inner.withdrawUnsafe(0), left(outer)], [false, 3])

    const poor = make(2, undefined, budget(0))
    assert.isFalse(poor.withdrawUnsafe(0))
    assert.isTrue(poor.hasLeft(false))
    poor.take(false)
    poor.take(false)
    assert.isFalse(poor.hasLeft(false), "nothing was taken for what could not be paid")
  })

  it("takes back an attempt that did not begin, with what was paid, all the way out", () => {
    const outer = make(1, undefined, budget(1))
    const inner = make(1, outer)
    assert.isTrue(inner.withdrawUnsafe(0))
    assert.deepStrictEqual([inner.hasLeft(false), outer.hasLeft(false), left(outer)], [false, false, 0])
    inner.refundUnsafe(0)
    assert.deepStrictEqual([inner.hasLeft(false), outer.hasLeft(false), left(outer)], [true, true, 1])
  })

  it("binds nobody once its call has ended, other than through those that go on", () => {
    const alone = make(0)
    alone.end()
    assert.deepStrictEqual([alone.isOver, alone.hasLeft(true), alone.hasLeft(false)], [true, true, true])
    const outer = make(1)
    const inner = make(0, outer)
    inner.end()
    assert.isTrue(inner.hasLeft(true))
    outer.take(true)
    assert.deepStrictEqual([inner.hasLeft(true), inner.hasLeft(false)], [false, false])
  })

  it("that has ended is passed over, and those around it are asked for one more", () => {
    const inner = make(5, make(5, make(0)))
    inner.end()
    assert.deepStrictEqual([inner.hasLeft(true), inner.hasLeft(false)], [false, false])
  })

  it("that is in force is the innermost whose call goes on", () => {
    const outer = make(1)
    const middle = make(1, outer)
    const inner = make(1, middle)
    assert.strictEqual(Authority.inForce(inner), inner)
    inner.end()
    assert.strictEqual(Authority.inForce(inner), middle)
    middle.end()
    assert.strictEqual(Authority.inForce(inner), outer)
    outer.end()
    assert.isUndefined(Authority.inForce(inner))
    assert.isUndefined(Authority.inForce(undefined))
  })

  it.effect("is known to the fibers of its call, and to no other", () =>
    Effect.gen(function*() {
      const current = Effect.withFiberSucceed(Authority.ofUnsafe)
      assert.isUndefined(yield* current)
      const authority = make(1)
      const seen = yield* Effect.flatMap(Effect.forkChild(current), Fiber.join).pipe(
        Effect.provideService(Authority.CurrentAuthority, authority)
      )
      assert.strictEqual(seen, authority)
    }))
})
