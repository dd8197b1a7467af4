import { assert, describe, it } from "@effect/vitest"
import { Arbitrary } from "effect"
import * as Sse from "../../src/machine/Sse.ts"
import * as Law from "../Law.ts"
import { parse } from "./SseByTheBook.ts"

const utf8 = new TextEncoder()

const parts = Law.list(
  Law.oneOf(
    "data: ",
    "data:",
    "data",
    "data:  two spaces",
    "datum: no",
    "event: ping",
    "event:",
    "event",
    "id: 7",
    "retry: 10",
    ": keep-alive",
    ":",
    "event: ping\n",
    "data: x\n\n",
    "data: y\r\n\r\n",
    "\n",
    "\n",
    "\n\n",
    "\r",
    "\r",
    "\r\n",
    "\r\n\r\n",
    "{\"a\":1}",
    "[DONE]",
    "ä",
    "€",
    "🌊",
    "\uFEFF",
    "x"
  ),
  30
)

const cases = Arbitrary.all({
  parts,
  /** Bytes of the alphabet of above are cut out, so that characters break. */
  damage: Law.list(Law.int(0, 200), 2),
  /** How long each piece is; the last length goes on. */
  cuts: Law.list(Law.oneOf(1, 1, 2, 3, 5, 8, 40), 20, 1),
  /** Whether a piece of nothing comes after each. */
  isHalting: Law.oneOf(false, true),
  maxEvent: Law.oneOf(Infinity, Infinity, Infinity, 6, 7, 8, 12, 20)
})

type Case = typeof cases extends Arbitrary.Arbitrary<infer A> ? A : never

const bytesOf = ({ damage, parts }: Case): Uint8Array => {
  const bytes = Array.from(utf8.encode(parts.join("")))
  for (const at of damage) bytes.splice(at % (bytes.length + 1), 1)
  return Uint8Array.from(bytes)
}

const piecesOf = (bytes: Uint8Array, cuts: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = at + cuts[Math.min(turn, cuts.length - 1)]!
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}

const nothing = new Uint8Array()

type Read = (self: Sse.Sse, bytes: Uint8Array) => ReadonlyArray<Sse.Event>

const readsByTheBook = (read: Read) => (it: Case): void => {
  const bytes = bytesOf(it)
  const self = Sse.make(it.maxEvent)
  const pieces = piecesOf(bytes, it.cuts).flatMap((piece) => it.isHalting ? [piece, nothing] : [piece])
  const events = pieces.flatMap((piece) => read(self, piece))
  assert.deepStrictEqual({ events, isOver: self.isOver }, parse(bytes, it.maxEvent))
}

const all = (text: string, size = Infinity): ReadonlyArray<Sse.Event> => Sse.read(Sse.make(size), utf8.encode(text))

describe("Sse", () => {
  it.prop("reads by the book, wherever the pieces end", [cases], ([it]) => {
    readsByTheBook(Sse.read)(it)
  }, Law.check(3000))

  const broken: ReadonlyArray<readonly [string, Read]> = [
    ["takes a line end that comes in two pieces for two", (self, bytes) => {
      self.afterReturn = false
      return Sse.read(self, bytes)
    }],
    ["reads the characters of each piece by themselves", (self, bytes) => {
      self.decoder = new TextDecoder()
      return Sse.read(self, bytes)
    }],
    ["keeps the byte order mark", (self, bytes) => {
      if (!self.decoder.ignoreBOM) self.decoder = new TextDecoder("utf-8", { ignoreBOM: true })
      return Sse.read(self, bytes)
    }],
    ["forgets the line that has begun", (self, bytes) => {
      self.line = ""
      return Sse.read(self, bytes)
    }],
    ["keeps the type for the next event", (self, bytes) => {
      const { type } = self
      const events = Sse.read(self, bytes)
      if (events.length > 0 && self.type === "") self.type = type
      return events
    }],
    [
      "joins lines of data without a line feed",
      (self, bytes) => Sse.read(self, bytes).map(({ data, type }) => ({ type, data: data.replaceAll("\n", "") }))
    ],
    ["takes a piece of nothing for the end of a line end", (self, bytes) => {
      if (bytes.length === 0) self.afterReturn = false
      return Sse.read(self, bytes)
    }],
    ["ends at what is just as long as it may be", (self, bytes) => {
      const events = Sse.read(self, bytes)
      if (self.line.length === self.maxEvent || self.data.length === self.maxEvent) self.isOver = true
      return events
    }],
    ["drops events whose data is empty", (self, bytes) => Sse.read(self, bytes).filter(({ data }) => data !== "")]
  ]
  it.effect.each(broken)(
    "is told from one that %s",
    ([, read]) => Law.isBroken(cases, readsByTheBook(read))
  )

  it("reads the examples of the standard", () => {
    assert.deepStrictEqual(all("data: YHOO\ndata: +2\ndata: 10\n\n"), [{ type: "message", data: "YHOO\n+2\n10" }])
    assert.deepStrictEqual(
      all(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"),
      ["first event", "second event", " third event"].map((data) => ({ type: "message", data }))
    )
    assert.deepStrictEqual(all("data\n\ndata\ndata\n\ndata:"), ["", "\n"].map((data) => ({ type: "message", data })))
    assert.deepStrictEqual(all("data:test\n\ndata: test\n\n").map(({ data }) => data), ["test", "test"])
  })

  it("takes a name without a value for none", () => {
    assert.deepStrictEqual(all("event: a\nevent\ndata: x\n\n"), [{ type: "message", data: "x" }])
    assert.deepStrictEqual(all("event: a\nevent:\ndata: x\n\n"), [{ type: "message", data: "x" }])
  })

  it.each([
    ["a line without an end", "x".repeat(9)],
    ["a comment without an end", ":".repeat(9)],
    ["a comment", ":".repeat(9) + "\n"],
    ["one line of data", "data: " + "x".repeat(9) + "\n\n"],
    ["the data of an event with a name", "event:ab\n" + "data: x\n".repeat(9)],
    ["many lines of data", "data: x\n".repeat(9)],
    ["many empty lines of data", "data\n".repeat(10)]
  ])("is over at %s that is longer than an event may be, and holds nothing", (_, text) => {
    for (const cuts of [[1], [text.length]]) {
      const self = Sse.make(8)
      const events = piecesOf(utf8.encode(text), cuts).flatMap((piece) => Sse.read(self, piece))
      assert.deepStrictEqual([events, self.isOver, self.line + self.data + self.type], [[], true, ""])
      assert.deepStrictEqual(Sse.read(self, utf8.encode("\n\ndata: x\n\n")), [])
    }
  })

  it.each([
    ["a line without an end", "x".repeat(8)],
    ["a comment", ":".repeat(8) + "\n"],
    ["a line of data", "data:xxx\n"],
    ["many lines of data", "data:xxx\ndata:xxx\ndata\n"]
  ])("is not over at %s that is just as long as an event may be", (_, text) => {
    for (const cuts of [[1], [text.length]]) {
      const self = Sse.make(8)
      for (const piece of piecesOf(utf8.encode(text), cuts)) Sse.read(self, piece)
      assert.isFalse(self.isOver)
    }
  })

  it("is not over at any number of events within the bound", () => {
    const self = Sse.make(8)
    for (let event = 0; event < 100; event++) assert.lengthOf(Sse.read(self, utf8.encode("data: x\n\n")), 1)
    assert.isFalse(self.isOver)
  })

  it.prop("holds no more than the bound and one piece, whatever comes", [
    Law.list(Law.list(Law.int(0, 255), 40), 40)
  ], ([pieces]) => {
    const self = Sse.make(16)
    for (const piece of pieces) {
      for (const { data } of Sse.read(self, Uint8Array.from(piece))) assert.isAtMost(data.length, 16)
      assert.isAtMost(self.line.length, 16)
      assert.isAtMost(self.data.length, 16)
    }
  }, Law.check(1000))
})
