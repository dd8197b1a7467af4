/** The chunks of one call for many: each hears all of it once and in order, and nobody waits longer than for the quickest. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Fiber } from "effect"
import type { RelayError, StreamChunk } from "effect-relay"
import { Broadcast } from "../../src/relay/Broadcast.ts"
import { Outlet } from "../../src/relay/Outlet.ts"
import { Recording } from "../../src/relay/Recording.ts"
import * as Law from "../Law.ts"

type Out = Outlet<StreamChunk.StreamChunk, RelayError.StreamError>

const capacity = 3
const makeOut = (): Out => new Outlet(capacity)
const text = (text: string): StreamChunk.StreamChunk => ({ _tag: "TextDelta", text })
const start = (endpoint: string): StreamChunk.StreamChunk => ({ _tag: "Start", endpoint, model: "m", attempts: 1 })
const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })
const textOf = (chunks: ReadonlyArray<StreamChunk.StreamChunk>): string =>
  chunks.map((chunk) => ("text" in chunk ? chunk.text : "")).join("")

describe("a broadcast", () => {
  it.effect("says to whoever comes late what came, in one piece", () =>
    Effect.gen(function*() {
      const broadcast = new Broadcast()
      broadcast.say([start("a"), text("One, "), text("two, ")])
      broadcast.say([text("three.")])
      const out = makeOut()
      broadcast.enter(out)
      assert.deepStrictEqual(yield* out.pull, [start("a"), text("One, two, three.")])
      broadcast.say([text(" Four.")])
      assert.deepStrictEqual(yield* out.pull, [text(" Four.")])
    }))

  it.effect("waits for nobody where nobody listens", () =>
    Effect.sync(() => {
      const broadcast = new Broadcast()
      const out = makeOut()
      broadcast.enter(out)
      assert.isDefined(broadcast.say(["1", "2", "3", "4"].map(text)))
      broadcast.leave(out)
      assert.isUndefined(broadcast.say(["1", "2", "3", "4"].map(text)))
    }))

  it.effect("goes on when somebody has taken what it waits for, or comes, or when whoever it waits for leaves", () =>
    Effect.gen(function*() {
      for (const how of ["take", "come", "leave"] as const) {
        const broadcast = new Broadcast()
        const [slow, other] = [makeOut(), makeOut()]
        broadcast.enter(slow)
        const waiting = yield* fork(broadcast.say(["1", "2", "3", "4"].map(text))!)
        assert.isUndefined(waiting.pollUnsafe())
        if (how === "take") yield* slow.pull
        else if (how === "come") broadcast.enter(other)
        else broadcast.leave(slow)
        assert.isDefined(waiting.pollUnsafe(), how)
      }
    }))

  it.effect("does not wait for the slow one of two", () =>
    Effect.gen(function*() {
      const broadcast = new Broadcast()
      const [slow, quick] = [makeOut(), makeOut()]
      broadcast.enter(slow)
      broadcast.enter(quick)
      for (let turn = 0; turn < 10; turn++) {
        assert.isUndefined(broadcast.say([text("1"), text("2")]))
        yield* quick.pull
      }
      assert.strictEqual(textOf(yield* slow.pull), "12".repeat(10))
    }))

  it.effect("says what came before what comes because of that, to whoever was waiting to hear it", () =>
    Effect.gen(function*() {
      const broadcast = new Broadcast()
      const [slow, late] = [makeOut(), makeOut()]
      broadcast.enter(slow)
      const heard: Array<string> = []
      yield* fork(Effect.forever(Effect.map(late.pull, (chunks) => heard.push(textOf(chunks)))))
      // the call waits for the slow one, and goes on in the very step in which somebody else comes
      yield* fork(
        Effect.andThen(
          broadcast.say(["1", "2", "3", "4"].map(text))!,
          Effect.sync(() => {
            broadcast.say([text("5")])
            broadcast.say([text("6")])
          })
        )
      )
      broadcast.enter(late)
      while (heard.length < 2) yield* Effect.yieldNow
      assert.strictEqual(heard.join(""), "123456")
    }))

  it.effect("says what nobody can change", () =>
    Effect.gen(function*() {
      const broadcast = new Broadcast()
      const [one, late] = [makeOut(), makeOut()]
      broadcast.enter(one)
      broadcast.say([start("a"), text("Bern")])
      broadcast.enter(late)
      for (const out of [one, late]) for (const chunk of yield* out.pull) assert.isTrue(Object.isFrozen(chunk))
    }))

  it.effect("says nothing twice to whoever comes, and nothing more to whoever leaves, while it speaks", () =>
    Effect.gen(function*() {
      const broadcast = new Broadcast()
      const [first, leaving, late] = [makeOut(), makeOut(), makeOut()]
      broadcast.enter(first)
      broadcast.enter(leaving)
      yield* fork(Effect.map(first.pull, () => {
        broadcast.leave(leaving)
        broadcast.enter(late)
      }))
      broadcast.say([text("word")])
      broadcast.say([text("!")])
      assert.strictEqual(textOf(yield* late.pull), "word!")
      assert.isUndefined((yield* fork(leaving.pull)).pollUnsafe())
    }))
})

type Turn =
  | { readonly _tag: "Say"; readonly chunks: number }
  | { readonly _tag: "Enter" | "Leave" | "Listen"; readonly who: number }

const turns: Arbitrary.Arbitrary<ReadonlyArray<Turn>> = Law.list(
  Arbitrary.map(Law.int(0, 29), (drawn): Turn => {
    if (drawn < 10) return { _tag: "Say", chunks: drawn % 5 }
    const who = drawn % 3
    return { _tag: drawn < 18 ? "Listen" : drawn < 25 ? "Enter" : "Leave", who }
  }),
  60
)

interface Subject extends Pick<Broadcast, "enter" | "leave" | "say"> {}

/** What was said is a text of numbers, and each listener has a beginning of it; who is there and has least kept is not full. */
const law = (make: () => Subject) => (history: ReadonlyArray<Turn>): Effect.Effect<void> =>
  Effect.gen(function*() {
    const subject = make()
    let said = ""
    let next = 0
    let speaker: Fiber.Fiber<void> | undefined
    const listeners = new Map<number, { readonly out: Out; heard: string; kept: number }>()
    for (const turn of history) {
      if (turn._tag === "Say") {
        if (speaker !== undefined) continue
        const chunks = Array.from({ length: turn.chunks }, () => text(`${next++} `))
        said += textOf(chunks)
        for (const listener of listeners.values()) listener.kept += chunks.length
        const waiting = subject.say(chunks)
        if (waiting !== undefined) speaker = yield* fork(waiting)
      } else if (turn._tag === "Enter") {
        if (listeners.has(turn.who)) continue
        const out = makeOut()
        listeners.set(turn.who, { out, heard: "", kept: said === "" ? 0 : 1 })
        subject.enter(out)
      } else if (turn._tag === "Leave") {
        const listener = listeners.get(turn.who)
        if (listener === undefined) continue
        listeners.delete(turn.who)
        subject.leave(listener.out)
      } else {
        const listener = listeners.get(turn.who)
        if (listener === undefined || listener.kept === 0) continue
        listener.kept = 0
        const pulling = yield* fork(listener.out.pull)
        if (pulling.pollUnsafe() === undefined) yield* Fiber.interrupt(pulling)
        else listener.heard += textOf(yield* Effect.orDie(Fiber.join(pulling)))
        assert.strictEqual(listener.heard, said, "something is missing, or comes twice")
      }
      if (speaker?.pollUnsafe() !== undefined) speaker = undefined
      const isHeard = listeners.size === 0 || Array.from(listeners.values()).some(({ kept }) => kept <= capacity)
      assert.isFalse(speaker !== undefined && isHeard, "somebody waits for room that is there")
      if (turn._tag === "Say" && turn.chunks > 0 && !isHeard) assert.isDefined(speaker, "nobody is held up")
    }
    if (speaker !== undefined) yield* Fiber.interrupt(speaker)
  })

/** Broadcasts that forget something, each in its own way. */
const broken: Readonly<Record<string, () => Subject>> = {
  "says nothing of what came before": () => {
    const broadcast = new Broadcast()
    return {
      enter: (out) => broadcast.enter({ ...out, say: () => undefined, isFull: false, onRoom: undefined }),
      leave: (out) => broadcast.leave(out),
      say: (chunks) => broadcast.say(chunks)
    }
  },
  "waits for the slowest": () => {
    const broadcast = new Broadcast()
    const outs = new Set<Pick<Out, "isFull">>()
    return {
      enter: (out) => {
        outs.add(out)
        broadcast.enter(out)
      },
      leave: (out) => {
        outs.delete(out)
        broadcast.leave(out)
      },
      say: (chunks) => {
        const waiting = broadcast.say(chunks)
        return Array.from(outs).some(({ isFull }) => isFull) ? Effect.never : waiting
      }
    }
  },
  "waits for nobody": () => {
    const broadcast = new Broadcast()
    return {
      enter: (out) => broadcast.enter(out),
      leave: (out) => broadcast.leave(out),
      say: (chunks) => {
        broadcast.say(chunks)
        return undefined
      }
    }
  }
}

describe("any number of listeners", () => {
  it.effect.prop(
    "hear all of it, once and in order, and hold up nobody but all together, whoever comes and leaves when",
    [turns],
    ([history]) => law(() => new Broadcast())(history),
    Law.check(200)
  )

  for (const [name, make] of Object.entries(broken)) {
    it.effect(`are told where it ${name}`, () => Law.isBrokenEffect(turns, law(make)))
  }
})

describe("a recording", () => {
  const of = (...chunks: ReadonlyArray<StreamChunk.StreamChunk>): Recording => {
    const recording = new Recording()
    recording.add(chunks)
    return recording
  }
  const reasoning = (text: string): StreamChunk.StreamChunk => ({ _tag: "ReasoningDelta", text })
  const call = (index: number, more: object): StreamChunk.StreamChunk => ({
    _tag: "ToolCallDelta",
    index,
    arguments: "",
    ...more
  })

  it("joins what is of one kind and one call, and keeps the order", () => {
    const { chunks, deltas } = of(
      start("a"),
      reasoning("Hm, "),
      reasoning("so."),
      text("Two "),
      text("calls."),
      call(0, { id: "1", name: "f" }),
      call(0, { arguments: "{\"a\":" }),
      call(0, { arguments: "1}" }),
      call(1, { name: "g" }),
      call(0, { id: "2" }),
      text("Done.")
    )
    assert.deepStrictEqual(
      deltas,
      [
        reasoning("Hm, so."),
        text("Two calls."),
        call(0, { id: "1", name: "f", arguments: "{\"a\":1}" }),
        call(1, { name: "g" }),
        call(0, { id: "2" }),
        text("Done.")
      ] as typeof deltas
    )
    assert.deepStrictEqual(chunks, [start("a"), ...deltas!])
  })

  it("leaves out what is void, and is nobody's answer where another went on", () => {
    const restarted = of(
      start("a"),
      text("No"),
      { _tag: "Restarted", endpoint: "a", because: "x" },
      start("b"),
      text("Yes")
    )
    assert.deepStrictEqual(restarted.chunks, [start("b"), text("Yes")])
    assert.deepStrictEqual(restarted.deltas, [text("Yes")] as typeof restarted.deltas)
    const marker: StreamChunk.StreamChunk = { _tag: "Continued", endpoint: "a", because: "x" }
    const continued = of(start("a"), text("One, "), marker, start("b"), text("two."))
    assert.deepStrictEqual(continued.chunks, [start("a"), text("One, "), marker, start("b"), text("two.")])
    assert.isUndefined(continued.deltas)
  })
})
