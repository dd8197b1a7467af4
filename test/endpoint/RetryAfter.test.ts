import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { RetryAfter } from "effect-relay"

const now = Date.UTC(2026, 2, 1)
const day = 24 * 60 * 60 * 1000

const read = (headers: Readonly<Record<string, string | undefined>>) => RetryAfter.fromHeaders(headers, now)
const readOne = (value: string) => read({ "retry-after": value })

describe("a Retry-After header", () => {
  const forms: ReadonlyArray<readonly [name: string, value: string, millis: number]> = [
    ["seconds", "7", 7000],
    ["zero", "0", 0],
    ["a fraction of a second", "0.5", 500],
    ["seconds between blanks", " 3 ", 3000],
    ["a date as RFC 9110 prefers it", "Sun, 01 Mar 2026 00:00:10 GMT", 10_000],
    ["a date as RFC 850 wrote it", "Sunday, 01-Mar-26 00:00:10 GMT", 10_000],
    ["a date as asctime prints it", "Sun Mar  1 00:00:10 2026", 10_000],
    ["a date that has passed", "Sun, 01 Feb 2026 00:00:00 GMT", 0],
    ["this very moment", "Sun, 01 Mar 2026 00:00:00 GMT", 0],
    ["ten years in seconds", "315360000", day],
    ["ten years as a date", "Fri, 29 Feb 2036 00:00:00 GMT", day],
    ["more seconds than a number can hold", "9".repeat(400), day],
    ["a duration as Go prints it", "7s", 7000],
    ["a duration of several units", "1m30.5s", 90_500],
    ["a duration longer than a day", "25h", day],
    ["a time of RFC 3339", "2026-03-01T00:00:10Z", 10_000],
    ["a time of RFC 3339 elsewhere on earth", "2026-03-01T01:00:10.5+01:00", 10_500],
    ["a time of RFC 3339 that has passed", "2026-02-28T00:00:10Z", 0],
    ["epoch seconds", String(now / 1000 + 10), 10_000],
    ["epoch milliseconds", String(now + 10_000), 10_000],
    ["epoch seconds that have passed", "1000000000", 0],
    ["epoch seconds years ahead", "4102444800", day],
    ["as many seconds as cannot be a time", "999999999", day],
    ["two numbers, of which the longer counts", "2, 3", 3000],
    ["a number and a duration", "2, 7s", 7000],
    ["more numbers than a function takes", "2,".repeat(300_000) + "3", 3000],
    ["two numbers, the longer first", "3,2", 3000]
  ]
  it.each(forms)("may be %s", (_, value, millis) => {
    assert.strictEqual(readOne(value), millis)
  })

  it("may be named in any case, and is none where there are no headers", () => {
    assert.strictEqual(read({ "Retry-After": "7" }), 7000)
    assert.strictEqual(read({ "Retry-After-Ms": "7" }), 7)
    for (const headers of [null, undefined, 5, "retry-after: 7", []]) assert.isUndefined(read(headers as never))
  })

  const rubbish = [
    "abc",
    "",
    "   ",
    "-5",
    "-0.5",
    "+5",
    "1e3",
    "0x10",
    "NaN",
    "Infinity",
    "null",
    "5s ago",
    "-5s",
    "5x",
    "2026-03-01",
    "2026-13-01T00:00:10Z",
    "-1772323210",
    "5 seconds",
    "soon",
    ",",
    "2,",
    "2, soon",
    "Sun, 99 Foo 2026 00:00:10 GMT",
    "Please retry in 10h17m5.72s",
    // words before a number are read as a date by some engines
    "try again in 5",
    "abc 5",
    "retry 2027",
    "may 7"
  ]
  it.each(rubbish.map((value) => [JSON.stringify(value), value] as const))("that says %s says nothing", (_, value) => {
    assert.strictEqual(readOne(value), undefined)
  })

  it("that is missing says nothing", () => {
    assert.strictEqual(read({}), undefined)
    assert.strictEqual(read({ "retry-after": undefined, "x-ms-retry-after-ms": undefined }), undefined)
  })
})

describe("a date in a Retry-After header", () => {
  it("is compared with the clock of the service that wrote it", () => {
    const wait = (date: string) => read({ "retry-after": "Sun, 01 Mar 2026 01:00:20 GMT", date })
    assert.strictEqual(wait("Sun, 01 Mar 2026 01:00:00 GMT"), 20_000)
    assert.strictEqual(wait("Sun Mar  1 01:00:10 2026"), 10_000)
    assert.strictEqual(wait("Sun, 01 Mar 2026 01:30:00 GMT"), 0)
    for (const value of ["2026-03-01T01:00:20Z", String(now / 1000 + 3620)]) {
      assert.strictEqual(read({ "retry-after": value, date: "Sun, 01 Mar 2026 01:00:00 GMT" }), 20_000)
    }
  })

  it("is compared with our clock when the service's makes no sense", () => {
    assert.strictEqual(read({ "retry-after": "Sun, 01 Mar 2026 00:00:20 GMT", date: "abc" }), 20_000)
    assert.strictEqual(read({ "retry-after": "Sun, 01 Mar 2026 00:00:20 GMT", date: "" }), 20_000)
  })

  it("leaves seconds alone, whatever the service's clock says", () => {
    assert.strictEqual(read({ "retry-after": "5", date: "Sun, 01 Mar 2020 00:00:00 GMT" }), 5000)
  })
})

describe("a header in milliseconds", () => {
  it.each(["retry-after-ms", "x-ms-retry-after-ms"])("%s goes before Retry-After", (name) => {
    assert.strictEqual(read({ [name]: "1500", "retry-after": "60" }), 1500)
    assert.strictEqual(read({ [name]: "20.5", "retry-after": "60" }), 20.5)
  })

  it.each(["retry-after-ms", "x-ms-retry-after-ms"])("%s goes before Retry-After when it is zero as well", (name) => {
    assert.strictEqual(read({ [name]: "0", "retry-after": "60" }), 0)
  })

  it.each(["abc", "", "-1", "NaN"])("that says %j leaves the word to the next", (value) => {
    assert.strictEqual(read({ "retry-after-ms": value, "x-ms-retry-after-ms": "250", "retry-after": "60" }), 250)
    assert.strictEqual(read({ "retry-after-ms": value, "retry-after": "60" }), 60_000)
    assert.strictEqual(read({ "retry-after-ms": value }), undefined)
  })

  it("asks for a day at most", () => {
    assert.strictEqual(read({ "retry-after-ms": "315360000000" }), day)
  })
})

const words = "0 5 99 0.5 - + , : . e NaN Infinity Sun Mar GMT UTC 2026 26 00:00:10 01 Z +0900 ( ) abc \u{1F600}".split(
  " "
)
const pieces = Arbitrary.schema(Schema.Literals([...words, " ", "\t", "\u0000"]))
const scraps = Arbitrary.array(pieces, { maxLength: 10 }).pipe(Arbitrary.map((all) => all.join("")))
const value = Arbitrary.schema(Schema.String)

describe("any headers", () => {
  const check = (wait: number | undefined) => {
    if (wait === undefined) return
    assert.isTrue(wait >= 0 && wait <= day, String(wait))
  }

  it.prop("say nothing, or something from zero to a day", { a: value, b: value, c: scraps }, ({ a, b, c }) => {
    check(readOne(a))
    check(read({ "retry-after": a, date: b }))
    check(read({ "retry-after": c, date: b }))
    check(read({ "retry-after-ms": a, "x-ms-retry-after-ms": b, "retry-after": c }))
  }, { arbitrary: { runs: 1000, seed: 1 } })
})
