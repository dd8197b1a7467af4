/** The way out for the chunks of a call: nothing is lost, nothing waits longer than it has to, nothing grows. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Cause, Effect, Exit, Fiber } from "effect"
import { Outlet } from "../../src/relay/Outlet.ts"
import * as Law from "../Law.ts"

const capacity = 3

const start = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

const valueOf = <A, E>(fiber: Fiber.Fiber<A, E>): A | undefined => {
  const exit = fiber.pollUnsafe()
  return exit !== undefined && Exit.isSuccess(exit) ? exit.value : undefined
}

const isDone = (exit: Exit.Exit<unknown, unknown> | undefined): boolean =>
  exit !== undefined && Exit.isFailure(exit) && Cause.isDone(Cause.squash(exit.cause))

describe("whoever listens", () => {
  it.effect("has a chunk before whoever says it goes on", () =>
    Effect.gen(function*() {
      const outlet = new Outlet<number, never>(capacity)
      const listener = yield* start(outlet.pull)
      assert.isUndefined(outlet.say([1, 2]))
      assert.deepStrictEqual(valueOf(listener), [1, 2])
    }))

  it.effect("gets at once what was kept, in one piece", () =>
    Effect.gen(function*() {
      const outlet = new Outlet<number, never>(capacity)
      outlet.say([1])
      outlet.say([2, 3])
      assert.deepStrictEqual(yield* outlet.pull, [1, 2, 3])
    }))

  it.effect("hears what was kept, and then the end, however often it asks", () =>
    Effect.gen(function*() {
      const outlet = new Outlet<number, never>(capacity)
      outlet.say([1])
      outlet.end(Exit.void)
      outlet.end(Exit.die("too late"))
      assert.isUndefined(outlet.say([2]))
      assert.deepStrictEqual(yield* outlet.pull, [1])
      assert.isTrue(isDone(yield* Effect.exit(outlet.pull)))
      assert.isTrue(isDone(yield* Effect.exit(outlet.pull)))
    }))

  it.effect("is told of a failure, and of a defect, after what was kept", () =>
    Effect.gen(function*() {
      for (const exit of [Exit.fail("broken"), Exit.die("a defect")]) {
        const outlet = new Outlet<number, string>(capacity)
        outlet.say([1])
        outlet.end(exit)
        assert.deepStrictEqual(yield* outlet.pull, [1])
        assert.deepStrictEqual(yield* Effect.exit(outlet.pull), exit)
      }
    }))

  it.effect("is told of the end while it waits", () =>
    Effect.gen(function*() {
      const outlet = new Outlet<number, string>(capacity)
      const listener = yield* start(outlet.pull)
      outlet.end(Exit.void)
      assert.isTrue(isDone(listener.pollUnsafe()))
    }))

  it.effect("is one of several that may wait: each is served, first come first, and told of the end", () =>
    Effect.gen(function*() {
      const outlet = new Outlet<number, never>(capacity)
      const [first, left, second, third] = yield* Effect.all(Array.from({ length: 4 }, () => start(outlet.pull)))
      yield* Fiber.interrupt(left!)
      outlet.say([1])
      outlet.say([2])
      assert.deepStrictEqual([valueOf(first!), valueOf(second!)], [[1], [2]])
      assert.isUndefined(third!.pollUnsafe())
      outlet.end(Exit.void)
      assert.isTrue(isDone(third!.pollUnsafe()))
    }))

  it.effect("takes nothing along when it leaves", () =>
    Effect.gen(function*() {
      const outlet = new Outlet<number, never>(capacity)
      yield* Fiber.interrupt(yield* start(outlet.pull))
      outlet.say([1])
      assert.deepStrictEqual(yield* outlet.pull, [1])
    }))
})

describe("whoever speaks", () => {
  it.effect("waits only once more is kept than there is room for, and until it was taken", () =>
    Effect.gen(function*() {
      const outlet = new Outlet<number, never>(capacity)
      assert.isUndefined(outlet.say([1, 2, 3]))
      const speaker = yield* start(outlet.say([4])!)
      assert.isUndefined(speaker.pollUnsafe())
      assert.deepStrictEqual(yield* outlet.pull, [1, 2, 3, 4])
      assert.isDefined(speaker.pollUnsafe())
    }))

  it.effect("does not wait for what was taken before it could begin to", () =>
    Effect.gen(function*() {
      const outlet = new Outlet<number, never>(capacity)
      const waiting = outlet.say([1, 2, 3, 4])!
      yield* outlet.pull
      assert.isDefined((yield* start(waiting)).pollUnsafe())
    }))

  it.effect("can leave while it waits, and what it said is heard all the same", () =>
    Effect.gen(function*() {
      const outlet = new Outlet<number, never>(capacity)
      yield* Fiber.interrupt(yield* start(outlet.say([1, 2, 3, 4])!))
      assert.deepStrictEqual(yield* outlet.pull, [1, 2, 3, 4])
    }))

  it.effect("and whoever listens can go on in turns without end, on a flat stack", () =>
    Effect.gen(function*() {
      const outlet = new Outlet<number, never>(0)
      const total = 5000
      const speaker = yield* start(
        Effect.gen(function*() {
          for (let chunk = 0; chunk < total; chunk++) yield* outlet.say([chunk]) ?? Effect.void
          outlet.end(Exit.void)
        })
      )
      let heard = 0
      const listener = Effect.forever(Effect.map(outlet.pull, (chunks) => {
        heard += chunks.length
      }))
      assert.isTrue(isDone(yield* Effect.exit(listener)))
      yield* Fiber.join(speaker)
      assert.strictEqual(heard, total)
    }))
})

type Turn =
  | { readonly _tag: "Say"; readonly chunks: number }
  | { readonly _tag: "Listen" | "Leave" | "Stop" }

const turns: Arbitrary.Arbitrary<ReadonlyArray<Turn>> = Law.list(
  Arbitrary.map(Law.int(0, 9), (drawn): Turn => {
    if (drawn < 5) return { _tag: "Say", chunks: drawn }
    return { _tag: drawn < 8 ? "Listen" : drawn === 8 ? "Leave" : "Stop" }
  }),
  40
)

interface Subject {
  readonly pull: Effect.Effect<ReadonlyArray<number>, unknown>
  readonly say: (chunks: ReadonlyArray<number>) => Effect.Effect<void> | undefined
}

/** A list of what was said and not heard, and who waits for it: nobody waits for nothing, nobody speaks above the bound. */
const law = (make: () => Subject) => (history: ReadonlyArray<Turn>): Effect.Effect<void> =>
  Effect.gen(function*() {
    const subject = make()
    const said: Array<number> = []
    const heard: Array<number> = []
    let listener: Fiber.Fiber<unknown, unknown> | undefined
    let speaker: Fiber.Fiber<void> | undefined
    for (const turn of history) {
      if (turn._tag === "Say" && speaker === undefined) {
        const chunks = Array.from({ length: turn.chunks }, (_, index) => said.length + index)
        said.push(...chunks)
        const waiting = subject.say(chunks)
        if (waiting !== undefined) speaker = yield* start(waiting)
      } else if (turn._tag === "Listen" && listener === undefined) {
        listener = yield* start(Effect.map(subject.pull, (chunks) => heard.push(...chunks)))
      } else if (turn._tag === "Leave" && listener !== undefined) {
        yield* Fiber.interrupt(listener)
      } else if (turn._tag === "Stop" && speaker !== undefined) {
        yield* Fiber.interrupt(speaker)
      }
      if (listener?.pollUnsafe() !== undefined) listener = undefined
      if (speaker?.pollUnsafe() !== undefined) speaker = undefined
      const kept = said.length - heard.length
      assert.deepStrictEqual(heard, said.slice(0, heard.length))
      assert.isFalse(listener !== undefined && kept > 0, "somebody listens for what is there")
      assert.isFalse(speaker !== undefined && kept <= capacity, "somebody waits for room that is there")
      if (turn._tag === "Say" && turn.chunks > 0 && kept > capacity) assert.isDefined(speaker, "nobody is held up")
    }
    for (const fiber of [listener, speaker]) if (fiber !== undefined) yield* Fiber.interrupt(fiber)
  })

/** Outlets that forget something, each in its own way. */
const broken: Readonly<Record<string, () => Subject>> = {
  "drops what nobody waits for beyond the bound": () => {
    const outlet = new Outlet<number, never>(capacity)
    let kept = 0
    const pull = Effect.tap(outlet.pull, () =>
      Effect.sync(() => {
        kept = 0
      }))
    return {
      pull,
      say: (chunks) => {
        const some = chunks.slice(0, Math.max(0, capacity - kept))
        kept += some.length
        return outlet.say(some)
      }
    }
  },
  "never holds anybody up": () => {
    const outlet = new Outlet<number, never>(capacity)
    return {
      pull: outlet.pull,
      say: (chunks) => {
        outlet.say(chunks)
        return undefined
      }
    }
  },
  "wakes nobody": () => {
    const outlet = new Outlet<number, never>(capacity)
    return { pull: outlet.pull, say: (chunks) => (outlet.say(chunks) === undefined ? undefined : Effect.never) }
  }
}

describe("an outlet", () => {
  it.effect.prop(
    "loses nothing, keeps the order, and holds up nobody but above its bound, whoever leaves when",
    [turns],
    ([history]) => law(() => new Outlet<number, never>(capacity))(history),
    Law.check(200)
  )

  for (const [name, make] of Object.entries(broken)) {
    it.effect(`is caught where it ${name}`, () => Law.isBrokenEffect(turns, law(make)))
  }
})
