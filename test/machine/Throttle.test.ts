import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Throttle from "../../src/machine/Throttle.ts"
import * as Law from "../Law.ts"

const refusals = Law.list(
  Arbitrary.all({
    after: Law.oneOf(0, 1, 400, 999, 1000, 1500, 4000, 12_000, 40_000),
    // how long before the refusal its call was sent
    took: Law.oneOf(0, 1, 15, 900, 3000),
    used: Law.oneOf(0, 0.02, 0.2, 0.5, 1, 3),
    pause: Law.oneOf(0, 0, 1000, 30_000)
  }),
  20
)

type Case = {
  readonly to: number
  readonly refusals: typeof refusals extends Arbitrary.Arbitrary<infer A> ? A : never
}

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({ to: Law.oneOf(0.3, 0.5, 0.7, 0.99, 1), refusals })

/** When a share that grows by the cube of time is passed, looked for millisecond by millisecond. */
const passed = (throttle: Throttle.Throttle, share: number): number => {
  let at = throttle.from
  while (Throttle.share(throttle, at) < share) at++
  return at
}

/** Slow and obvious: which refusals cut, what each leaves, and the curve by the book, from the last cut. */
class ByTheBook {
  last: { readonly at: number; readonly from: number; readonly low: number; readonly peak: number } | undefined

  refused(to: number, used: number, sentAt: number, now: number, from: number): void {
    if (to === 1) return
    if (this.last !== undefined && (sentAt <= this.last.at || now - this.last.at < 1000)) return
    const before = this.share(now)
    const third = before / 3
    const known = used < third ? third : used
    const peak = Math.max(0.01, known < before ? known : before)
    const low = Math.max(0.01, peak * to)
    this.last = { at: now, from: from > now ? from : now, low, peak }
  }

  /** W(t) = C (t - K)^3 + W_max, K the cube root of what was cut over C: RFC 9438, figures 1 and 2. */
  share(now: number): number {
    if (this.last === undefined) return 1
    const { from, low, peak } = this.last
    if (now <= from) return low
    const k = ((peak - low) / 0.0001) ** (1 / 3)
    const t = (now - from) / 1000
    const w = 0.0001 * (t - k) * (t - k) * (t - k) + peak
    return w > 1 ? 1 : w < low ? low : w
  }
}

const holdsWhatTheBookSays = (cut: typeof Throttle.cut) => ({ refusals, to }: Case): void => {
  const book = new ByTheBook()
  let throttle: Throttle.Throttle | undefined
  let now = 100_000
  for (const { after, pause, took, used } of refusals) {
    now += after
    throttle = cut(throttle, to, used, now - took, now, now + pause)
    book.refused(to, used, now - took, now, now + pause)
    for (const ahead of [0, 1, 500, 999, 5000, 10_000, 20_000, 60_000, 90_000]) {
      const share = throttle === undefined ? 1 : Throttle.share(throttle, now + ahead)
      assert.closeTo(share, book.share(now + ahead), 1e-4)
    }
  }
}

const growsUntilItIsGone = ({ refusals, to }: Case): void => {
  let throttle: Throttle.Throttle | undefined
  let now = 100_000
  for (const { after, pause, took, used } of refusals) {
    now += after
    throttle = Throttle.cut(throttle, to, used, now - took, now, now + pause)
    if (throttle === undefined) continue
    let before = throttle.low
    for (let at = throttle.from; at <= throttle.from + 60_000; at += 1000) {
      const share = Throttle.share(throttle, at)
      assert.isAtLeast(share, before)
      before = share
    }
    assert.strictEqual(before, 1, "a minute after the pause nothing is held")
  }
}

describe("a throttle", () => {
  it.prop("holds what the book says", { a: cases }, ({ a }) => holdsWhatTheBookSays(Throttle.cut)(a), Law.check(500))

  it.effect("would not, if it cut for each of the calls that were under way together", () =>
    Law.isBroken(
      cases,
      holdsWhatTheBookSays((known, to, used, _, now, from) => Throttle.cut(known, to, used, now, now, from))
    ))

  it.effect("nor if it came back from the cut on, and not from the end of the pause", () =>
    Law.isBroken(
      cases,
      holdsWhatTheBookSays((known, to, used, sentAt, now) => Throttle.cut(known, to, used, sentAt, now, now))
    ))

  it.prop(
    "only grows between two refusals, and within a minute to the whole",
    { a: cases },
    ({ a }) => growsUntilItIsGone(a),
    Law.check(200)
  )

  it("is passed at the time that it says", () => {
    const throttle = Throttle.cut(undefined, 0.7, 1, 0, 1000, 3000)!
    for (const share of [0.7, 0.71, 0.9, 0.99, 1]) {
      assert.strictEqual(passed(throttle, share), Math.ceil(Throttle.reaches(throttle, share) - 1e-6))
    }
    const lower = Throttle.cut(throttle, 0.7, 0.4, 3500, 4000, 4000)!
    for (const share of [0.3, 0.4, 0.41, 0.8, 1]) {
      assert.strictEqual(passed(lower, share), Math.ceil(Throttle.reaches(lower, share) - 1e-6))
    }
  })

  it("is cut at most once a second, and by nothing that was sent before the last cut", () => {
    const throttle = Throttle.cut(undefined, 0.7, 1, 0, 1000, 1000)!
    assert.strictEqual(Throttle.cut(throttle, 0.7, 1, 1001, 1999, 1999), throttle)
    assert.strictEqual(Throttle.cut(throttle, 0.7, 1, 1000, 2000, 2000), throttle)
    assert.notStrictEqual(Throttle.cut(throttle, 0.7, 1, 1001, 2000, 2000), throttle)
  })
})
