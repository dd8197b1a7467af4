import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Histogram from "../../src/machine/Histogram.ts"
import * as Law from "../Law.ts"

type Machine = Pick<typeof Histogram, "make" | "add" | "count" | "quantile">

interface Case {
  readonly slices: number
  readonly width: number
  /** When the process started to count: clocks do not begin at zero. */
  readonly origin: number
  readonly history: ReadonlyArray<{ readonly after: number; readonly value: number; readonly times: number }>
  readonly q: number
}

/** Latencies of every size, whole and not. */
const values = Arbitrary.map(
  Arbitrary.all([Law.int(1, 1_000_000), Law.int(-6, 4), Law.oneOf(0, 1, 1, 1, 1, 1, 1, 1)]),
  ([digits, exponent, zero]) => zero * digits * 2 ** exponent
)

const cases: Arbitrary.Arbitrary<Case> = Arbitrary.all({
  slices: Law.int(1, 6),
  width: Law.oneOf(7, 100, 5000),
  origin: Law.oneOf(-1000.5, 0, 12_345.678_9, 1e9),
  history: Law.list(
    Arbitrary.flatMap(Law.oneOf(7, 100, 5000), (width) =>
      Arbitrary.all({
        after: Arbitrary.map(Law.int(-2, 16), (eighths) => Math.max(0, eighths) * width / 8),
        value: values,
        times: Law.oneOf(1, 1, 1, 5, 40)
      })),
    80
  ),
  q: Law.oneOf(0.01, 0.5, 0.9, 0.95, 0.98, 0.999)
})

/** The reference: keep everything, sort what is young enough, and count. */
const agreesWithSorting = (machine: Machine) => ({ history, origin, q, slices, width }: Case): void => {
  const histogram = machine.make({ window: slices * width, slices })
  const all: Array<{ readonly at: number; readonly value: number }> = []
  let now = origin
  for (const { after, times, value } of history) {
    now += after
    for (let n = 0; n < times; n++) {
      machine.add(histogram, value, now)
      all.push({ at: now, value })
    }
    const step = (at: number): number => Math.floor(at / (slices * width / slices))
    const young = all.filter(({ at }) => step(at) > step(now) - slices).map(({ value }) => value).sort((a, b) => a - b)
    assert.strictEqual(machine.count(histogram, now), young.length, "what is old has no say")
    const exact = young[Math.max(1, Math.ceil(q * young.length)) - 1]!
    const seen = machine.quantile(histogram, q, now)!
    assert.isAtMost(Math.abs(seen - exact), Math.max(exact / 64, Histogram.range.lowest), `${seen} for ${exact}`)
  }
  const later = now + slices * width
  assert.strictEqual(machine.count(histogram, later), 0)
  assert.isUndefined(machine.quantile(histogram, q, later), "nothing is known after a silent window")
}

const filled = (value: number, times: number): Histogram.Histogram => {
  const histogram = Histogram.make({ window: 1000, slices: 2 })
  for (let n = 0; n < times; n++) Histogram.add(histogram, value, 0)
  return histogram
}

describe("Histogram", () => {
  it.prop("finds every quantile of the window within a sixty-fourth, as sorting would", [cases], ([it]) => {
    agreesWithSorting(Histogram)(it)
  }, Law.check(200))

  it("has nothing to say of nothing", () => {
    const histogram = Histogram.make({ window: 1000, slices: 2 })
    assert.deepStrictEqual([Histogram.count(histogram, 5), Histogram.quantile(histogram, 0.5, 5)], [0, undefined])
  })

  it("leaves out what is no duration, and takes nothing for zero", () => {
    const histogram = Histogram.make({ window: 1000, slices: 2 })
    for (const value of [NaN, Infinity, -Infinity, -1]) Histogram.add(histogram, value, 0)
    assert.strictEqual(Histogram.count(histogram, 0), 0)
    for (const value of [0, -0, 1e-300]) Histogram.add(histogram, value, 0)
    assert.deepStrictEqual([Histogram.count(histogram, 0), Histogram.quantile(histogram, 1, 0)], [3, 0])
  })

  it("counts what is beyond its range with the last that fits", () => {
    const { highest } = Histogram.range
    const last = Histogram.quantile(filled(highest - 1, 1), 1, 0)!
    assert.closeTo(last, highest, highest / 64)
    for (const value of [highest, 2 * highest, 1e300]) {
      assert.strictEqual(Histogram.quantile(filled(value, 1), 1, 0), last)
    }
  })

  it("counts on where sixteen bits end", () => {
    const histogram = filled(10, 70_000)
    for (let n = 0; n < 70_000; n++) Histogram.add(histogram, 1000, 0)
    assert.strictEqual(Histogram.count(histogram, 0), 140_000)
    assert.closeTo(Histogram.quantile(histogram, 0.49, 0)!, 10, 0.2)
    assert.closeTo(Histogram.quantile(histogram, 0.51, 0)!, 1000, 16)
  })

  it("stays where it is where thirty-two bits end", () => {
    const histogram = filled(10, 70_000)
    const [slice] = histogram.slices
    const bucket = slice!.counts.indexOf(70_000)
    slice!.counts[bucket] = 0xffff_fffe
    slice!.total = 0xffff_fffe
    for (let n = 0; n < 3; n++) Histogram.add(histogram, 10, 0)
    assert.strictEqual(slice!.counts[bucket], 0xffff_ffff)
    assert.strictEqual(Histogram.count(histogram, 0), 0xffff_ffff)
    assert.closeTo(Histogram.quantile(histogram, 0.5, 0)!, 10, 0.2)
  })

  it("holds nothing before its first value, and one slice after it", () => {
    const histogram = Histogram.make({ window: 60_000, slices: 6 })
    assert.deepStrictEqual(histogram.slices.map((slice) => slice?.counts.byteLength ?? 0), [0, 0, 0, 0, 0, 0])
    Histogram.add(histogram, 10, 10_001)
    assert.deepStrictEqual(histogram.slices.map((slice) => slice?.counts.byteLength ?? 0), [0, 2176, 0, 0, 0, 0])
  })

  const broken: ReadonlyArray<readonly [string, Machine]> = [
    ["never forgets", { ...Histogram, make: (rule) => Histogram.make({ ...rule, window: rule.window * 1e6 }) }],
    ["forgets too early", {
      ...Histogram,
      make: ({ slices, window }) => Histogram.make({ slices, window: window * 0.9 })
    }],
    ["rounds to powers of two", {
      ...Histogram,
      add: (self, value, now) => Histogram.add(self, value === 0 ? 0 : 2 ** Math.floor(Math.log2(value)), now)
    }],
    ["is one rank off", {
      ...Histogram,
      quantile: (self, q, now) => Histogram.quantile(self, q + 1 / Math.max(1, Histogram.count(self, now)), now)
    }],
    ["counts a slice of long ago as its own", {
      ...Histogram,
      add: (self, value, now) => {
        const at = Math.floor(now / self.width)
        for (const slice of self.slices) if (slice !== undefined && slice.at < at - 1) slice.at = at - 1
        Histogram.add(self, value, now)
      }
    }]
  ]
  it.effect.each(broken)(
    "is told from a histogram that %s",
    ([, machine]) => Law.isBroken(cases, agreesWithSorting(machine))
  )
})
