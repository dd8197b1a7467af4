import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Cause, Clock, Deferred, type Duration, Effect, Exit, Fiber } from "effect"
import { Hedge, Idempotent } from "effect-relay"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"
import * as Crowd from "./Crowd.ts"

/** What one copy does: how long it takes, and how it ends. */
interface Copy {
  readonly takes: number
  readonly ends: "Success" | "Failure" | "Defect"
}

interface Call {
  readonly copies: ReadonlyArray<Copy>
  readonly delay: number
  /** After how long the caller leaves. */
  readonly patience: number | undefined
}

/** What became of a call: which copies began when, how it ended and when, and what still runs then. */
interface Story {
  readonly begun: ReadonlyArray<number>
  readonly outcome: string
  readonly at: number
  readonly left: number
}

const most = 4

const copy: Arbitrary.Arbitrary<Copy> = Arbitrary.all({
  takes: Law.int(1, 60),
  ends: Law.oneOf("Success", "Success", "Success", "Failure", "Failure", "Defect")
})

const calls: Arbitrary.Arbitrary<Call> = Arbitrary.map(
  Arbitrary.all([Law.list(copy, most, 1), Law.int(1, 30), Law.oneOf(true, false, false), Law.int(0, 100)]),
  ([copies, delay, hasty, patience]) => ({ copies, delay, patience: hasty ? patience : undefined })
)

/** The reference: millisecond by millisecond, endings before beginnings. A caller who leaves goes first. */
const expected = ({ copies, delay, patience = Infinity }: Call): Story => {
  const begun = [0]
  const ended: Array<number> = []
  const failures: Array<string> = []
  for (let at = 0;; at++) {
    if (at >= patience) return { begun, outcome: "Interrupted", at, left: 0 }
    for (let index = 0; index < begun.length; index++) {
      const { ends, takes } = copies[index]!
      if (ended.includes(index) || begun[index]! + takes !== at) continue
      if (ends === "Success") return { begun, outcome: `answer ${index}`, at, left: 0 }
      ended.push(index)
      failures[index] = `${ends} ${index}`
      if (ended.length < begun.length) continue
      const died = failures.find((failure) => failure.startsWith("Defect"))
      return { begun, outcome: died ?? failures[0]!, at, left: 0 }
    }
    if (at > 0 && at % delay === 0 && at / delay < copies.length) begun.push(at)
  }
}

const outcomeOf = (exit: Exit.Exit<string, string>): string => {
  if (Exit.isSuccess(exit)) return exit.value
  const defect = exit.cause.reasons.find(Cause.isDieReason)
  if (defect !== undefined) return String(defect.defect)
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  return failure?.error ?? "Interrupted"
}

type Protect = <A, E>(self: Effect.Effect<A, E>) => Effect.Effect<A, E>
type MakeHedge = (call: Call) => Effect.Effect<Protect>

const real: MakeHedge = ({ copies, delay }) =>
  copies.length === 1
    ? Effect.succeed((self) => self)
    : Effect.map(
      Effect.orDie(Hedge.make({ delay, maxCopies: copies.length, burst: most })),
      (hedge): Protect => (self) => Idempotent.mark(hedge.protect(self))
    )

/** Plays a call in virtual time. */
const play = (makeHedge: MakeHedge, call: Call): Effect.Effect<Story> =>
  Effect.gen(function*() {
    const from = yield* Clock.currentTimeMillis
    const protect = yield* makeHedge(call)
    const begun: Array<number> = []
    let running = 0
    let story: Story | undefined
    const body = Effect.suspend(() =>
      Effect.flatMap(Clock.currentTimeMillis, (now): Effect.Effect<string, string> => {
        const index = begun.push(now - from) - 1
        const { ends, takes } = call.copies[index] ?? { ends: "Success", takes: 0 }
        running++
        const end = ends === "Success"
          ? Effect.succeed(`answer ${index}`)
          : ends === "Failure"
          ? Effect.fail(`Failure ${index}`)
          : Effect.die(`Defect ${index}`)
        return Effect.onExit(Effect.andThen(Effect.sleep(takes), end), () => Effect.sync(() => running--))
      })
    )
    const fiber = yield* protect(body).pipe(
      Effect.onExit((exit) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          story = { begun: begun.slice(), outcome: outcomeOf(exit), at: now - from, left: running }
        })
      ),
      Effect.forkChild({ startImmediately: true })
    )
    // a millisecond at a time, so that a caller who leaves does so before whatever else happens then
    for (let at = 0; at < 200; at++) {
      if (at === call.patience) yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust(1)
    }
    yield* Fiber.await(fiber)
    assert.deepStrictEqual([running, begun.length], [0, story!.begun.length], "nothing runs or begins after the end")
    return story!
  })

const agrees = (makeHedge: MakeHedge) => (call: Call): Effect.Effect<void> =>
  Effect.map(play(makeHedge, call), (story) => {
    const model = expected(call)
    // an interrupt at the very time of an ending may come before or after it
    if (call.patience === story.at || call.patience === 0) return
    assert.deepStrictEqual(story, model)
  })

/** Tells who comes and who goes, in pairs wherever an interrupt falls. */
const counted = <A, E>(self: Effect.Effect<A, E>, count: (by: number) => void): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    let isIn = false
    const enter = Effect.suspend(() => {
      isIn = true
      count(1)
      return self
    })
    return Effect.onExit(enter, () => Effect.sync(() => isIn && count(-1)))
  })

/** A clock that knows how many sleep on it. */
const countSleepers = Effect.map(Clock.clockWith(Effect.succeed), (clock) => {
  let sleeping = 0
  const counting: Clock.Clock = Object.create(clock, {
    sleep: {
      value: (duration: Duration.Duration) =>
        counted(clock.sleep(duration), (by) => {
          sleeping += by
        })
    }
  })
  return { clock: counting, sleeping: () => sleeping }
})

describe("Hedge", () => {
  it.effect.prop(
    "begins a copy after each delay, takes the first success, fails when all failed, and leaves nothing running",
    [calls],
    ([call]) => agrees(real)(call),
    Law.check(150)
  )

  it.effect.prop(
    "keeps to its budget and holds nothing in the end, whoever is interrupted when",
    [
      Arbitrary.all({
        maxCopies: Law.int(2, 4),
        delay: Law.int(0, 15),
        maxExtraLoad: Law.oneOf(0.125, 0.25, 1),
        burst: Law.int(1, 4)
      }),
      Crowd.callers(25, 60)
    ],
    ([options, callers]) =>
      Effect.gen(function*() {
        const hedge = yield* Hedge.make(options)
        const { clock, sleeping } = yield* countSleepers
        let running = 0
        let begun = 0
        let credit = options.burst
        const fits = () => {
          const { extra } = hedge.snapshotUnsafe()
          assert.isAtMost(extra, begun, "what is paid for begins")
        }
        const account = yield* Crowd.admit(callers, (work) => {
          let copies = 0
          let mine = 0
          const copy = Effect.suspend(() => {
            begun++
            if (++copies > 1) {
              assert.isAtLeast(credit, 1, "no copy without credit")
              credit--
            }
            assert.isAtMost(copies, options.maxCopies)
            return counted(work, (by) => {
              running += by
              mine += by
            })
          })
          return copy.pipe(
            hedge.protect,
            Idempotent.mark,
            Effect.onExit((exit) =>
              Effect.sync(() => {
                assert.strictEqual(mine, 0, "no copy outlives its call")
                if (Exit.isSuccess(exit)) credit = Math.min(options.burst, credit + options.maxExtraLoad)
                fits()
              })
            )
          )
        }).pipe(Effect.provideService(Clock.Clock, clock))
        const calls = account.visits.length
        assert.deepStrictEqual([running, sleeping()], [0, 0], "no fiber is left")
        assert.include(yield* hedge.state, { extra: begun - calls, credit })
        assert.deepStrictEqual(account.visits.filter(({ outcome }) => outcome === "Defect"), [])
      }),
    Law.check(100)
  )

  it.effect("pays for no copy that did not begin, wherever the scheduler steps in and the interrupt falls", () =>
    Effect.gen(function*() {
      const { clock, sleeping } = yield* countSleepers
      const stepping: Clock.Clock = Object.create(clock, {
        sleep: { value: (duration: Duration.Duration) => Effect.andThen(clock.sleep(duration), Crowd.turns(1)) }
      })
      let interrupted = 0
      yield* Crowd.interruptAnywhere(
        Effect.map(Hedge.make({ delay: 0, maxCopies: 3, maxExtraLoad: 1, burst: 5 }), (hedge) => {
          let calls = 0
          let begun = 0
          let running = 0
          return {
            protect: (work) =>
              Effect.suspend(() => {
                let isFirst = true
                const copy = counted(work, (by) => {
                  running += by
                })
                const seen = Effect.suspend(() => {
                  begun++
                  if (isFirst) calls++
                  isFirst = false
                  return copy
                })
                return seen.pipe(
                  hedge.protect,
                  Idempotent.mark,
                  Effect.provideService(Clock.Clock, stepping)
                )
              }),
            check: (fibers, victim) =>
              Effect.map(hedge.state, ({ extra }) => {
                assert.deepStrictEqual({ extra, running, sleeping: sleeping() }, {
                  extra: begun - calls,
                  running: 0,
                  sleeping: 0
                })
                if (Exit.hasInterrupts(fibers[victim]!.pollUnsafe()!)) interrupted++
                const others = fibers.filter((_, caller) => caller !== victim)
                for (const fiber of others) assert.isTrue(Exit.isSuccess(fiber.pollUnsafe() ?? Exit.interrupt()))
              })
          }
        })
      )
      assert.isAbove(interrupted, 50)
    }))

  const delayed = ({ copies, delay }: Call) => <A, E>(self: Effect.Effect<A, E>) =>
    copies.map((_, index) => Effect.delay(self, index * delay))
  const broken: ReadonlyArray<readonly [string, MakeHedge]> = [
    ["waits for a copy that has not begun", (call) => Effect.succeed((self) => Effect.raceAll(delayed(call)(self)))],
    [
      "takes the first ending for the answer",
      (call) => Effect.succeed((self) => Effect.raceAllFirst(delayed(call)(self)))
    ],
    ["begins all copies at once", (call) => Effect.succeed((self) => Effect.raceAll(call.copies.map(() => self)))],
    ["begins none", () => Effect.succeed((self) => self)],
    [
      "lets the losers run",
      (call) =>
        Effect.succeed(<A, E>(self: Effect.Effect<A, E>) =>
          Effect.flatMap(real(call), (protect) =>
            protect(
              Effect.flatMap(Deferred.make<A, E>(), (deferred) =>
                Effect.andThen(
                  Effect.forkDetach(Deferred.into(self, deferred), { startImmediately: true }),
                  Deferred.await(deferred)
                ))
            ))
        )
    ]
  ]
  it.effect.each(broken)("is told from a hedge that %s", ([, makeHedge]) =>
    Effect.gen(function*() {
      const result = yield* Arbitrary.checkEffect(
        calls,
        (call) =>
          Effect.as(agrees(makeHedge)(call), true).pipe(
            Effect.catchDefect((defect) => Effect.fail(defect as Error))
          ),
        { ...Law.check(300).arbitrary, maxShrinks: 0 }
      )
      if (result._tag !== "Falsified" || result.failure._tag !== "PropertyError") return assert.fail(result._tag)
      assert.strictEqual(result.failure.error.name, "AssertionError")
    }))
})
