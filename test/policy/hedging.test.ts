/** What a hedge does, case by case; `Hedge.test.ts` holds its laws. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Config, ConfigProvider, type Duration, Effect, Exit, Fiber, Layer } from "effect"
import { Bulkhead, CircuitBreaker, Configuration, Deadline, Hedge, Idempotent } from "effect-relay"
import { TestClock } from "effect/testing"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../architecture/Source.ts"

/** A call of which each copy takes so long, the last for every one after it. */
const calling = (...takes: ReadonlyArray<number>) => {
  const seen = { begun: 0, ended: 0, interrupted: 0 }
  const call = Effect.suspend(() => {
    const copy = seen.begun++
    return Effect.as(Effect.sleep(takes[Math.min(copy, takes.length - 1)]!), copy).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          seen.ended++
          if (Exit.hasInterrupts(exit)) seen.interrupted++
        })
      )
    )
  })
  return { call, seen }
}

/** Lets so much time pass, and says what came of an effect. */
const within = <A, E>(effect: Effect.Effect<A, E>, duration: Duration.Input) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    yield* TestClock.adjust(duration)
    const exit = fiber.pollUnsafe()
    yield* Fiber.interrupt(fiber)
    return exit
  })

const answered = (value: unknown) => (exit: Exit.Exit<unknown, unknown> | undefined) =>
  assert.deepStrictEqual(exit, Exit.succeed(value))

describe("a call that is not marked idempotent", () => {
  it.effect("runs alone, in the fiber it was called in", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10 })
      const { call, seen } = calling(1000)
      answered(0)(yield* within(hedge.protect(call), 1000))
      assert.deepStrictEqual([seen.begun, (yield* hedge.state).extra], [1, 0])
      const fiber = yield* Effect.fiberId
      assert.strictEqual(yield* hedge.protect(Effect.fiberId), fiber)
      assert.notStrictEqual(yield* Idempotent.mark(hedge.protect(Effect.fiberId)), fiber)
    }))

  it.effect("is one whose mark stands inside the hedge, or was taken off", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10 })
      for (
        const marked of [
          (call: Effect.Effect<number>) => call.pipe(Idempotent.mark, hedge.protect),
          (call: Effect.Effect<number>) => call.pipe(hedge.protect, Idempotent.unmark, Idempotent.mark)
        ]
      ) {
        const { call, seen } = calling(1000, 1)
        answered(0)(yield* within(marked(call), 1000))
        assert.strictEqual(seen.begun, 1)
      }
    }))
})

describe("a call that is marked idempotent", () => {
  it.effect("gets a second copy after the delay, and its loser is interrupted before the answer comes out", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10 })
      const { call, seen } = calling(1000, 5)
      answered([1, { begun: 2, ended: 2, interrupted: 1 }])(
        yield* within(Effect.map(Idempotent.mark(hedge.protect(call)), (answer) => [answer, { ...seen }]), 15)
      )
      assert.include(yield* hedge.state, { extra: 1, won: 1 })
    }))

  it.effect("counts a copy as the winner only where the answer is its own", () =>
    Effect.gen(function*() {
      // the first answers after its copy has begun
      const first = yield* Hedge.make({ delay: 10 })
      const { call } = calling(30, 1000)
      answered(0)(yield* within(first.protect(call).pipe(Idempotent.mark), 30))
      assert.include(yield* first.state, { extra: 1, won: 0 })

      // a copy that cannot be interrupted answers when nobody asks any more
      const late = yield* Hedge.make({ delay: 10 })
      let begun = 0
      const stubborn = Effect.suspend(() => begun++ === 0 ? Effect.sleep(20) : Effect.uninterruptible(Effect.sleep(50)))
      yield* within(late.protect(stubborn).pipe(Idempotent.mark), 100)
      assert.include(yield* late.state, { extra: 1, won: 0 })
      begun = 0
      const fiber = yield* Effect.forkChild(late.protect(stubborn).pipe(Idempotent.mark), { startImmediately: true })
      yield* TestClock.adjust(15)
      yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* TestClock.adjust(100)
      assert.include(yield* late.state, { extra: 2, won: 0 })
    }))

  it.effect("waits for the finalizers of the loser", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10 })
      let copies = 0
      const call = Effect.suspend(() =>
        ++copies === 1
          ? Effect.onInterrupt(Effect.never, () => Effect.sleep(50))
          : Effect.succeed("second")
      )
      const fiber = yield* Effect.forkChild(Idempotent.mark(hedge.protect(call)), { startImmediately: true })
      yield* TestClock.adjust(59)
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust(1)
      answered("second")(fiber.pollUnsafe())
    }))

  it.effect("answers alone when it answers before the delay", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10 })
      const { call, seen } = calling(9)
      answered(0)(yield* within(Idempotent.mark(hedge.protect(call)), 9))
      yield* TestClock.adjust(100)
      assert.strictEqual(seen.begun, 1)
    }))

  it.effect("runs in the fiber it was called in where no copy could begin or end in time", () =>
    Effect.gen(function*() {
      const never = yield* Hedge.make({ delay: Hedge.quantile(0.9) })
      const soon = yield* Hedge.make({ delay: 10 })
      const fiber = yield* Effect.fiberId
      assert.strictEqual(yield* Idempotent.mark(never.protect(Effect.fiberId)), fiber)
      const now = Number(yield* Effect.clockWith((clock) => clock.monotonicTimeNanos)) / 1e6
      for (const [left, isAlone] of [[0, true], [1000, false]] as const) {
        const ran = yield* Effect.provideService(
          Idempotent.mark(soon.protect(Effect.fiberId)),
          Deadline.CurrentDeadline,
          now + left
        )
        assert.strictEqual(ran === fiber, isAlone, `${left} ms are left`)
      }
    }))

  it.effect("fails at once when it fails before the delay: a hedge is no retry", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10 })
      let begun = 0
      const call = Effect.suspend(() => {
        begun++
        return Effect.andThen(Effect.sleep(9), Effect.fail("down"))
      })
      assert.deepStrictEqual(yield* within(Idempotent.mark(hedge.protect(call)), 9), Exit.fail("down"))
      yield* TestClock.adjust(100)
      assert.strictEqual(begun, 1)
    }))

  const endings: ReadonlyArray<
    readonly [string, ReadonlyArray<Effect.Effect<never, string>>, (cause: Cause.Cause<string>) => boolean]
  > = [
    [
      "the failure of the first of its copies",
      [Effect.fail("down"), Effect.fail("full")],
      (cause) => Cause.findErrorOption(cause).pipe((error) => error._tag === "Some" && error.value === "down")
    ],
    ["a defect before a failure", [Effect.fail("down"), Effect.die("bug")], Cause.hasDies],
    ["a failure before an interrupt of its own", [Effect.interrupt, Effect.fail("down")], Cause.hasFails]
  ]
  it.effect.each(endings)("fails, when all copies do, with %s", ([, ends, holds]) =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10 })
      let begun = 0
      const call = Effect.suspend(() => Effect.andThen(Effect.sleep(20), ends[begun++]!))
      const exit = yield* within(Idempotent.mark(hedge.protect(call)), 30)
      assert.isTrue(exit !== undefined && Exit.isFailure(exit) && holds(exit.cause))
      assert.strictEqual(begun, 2)
    }))

  it.effect("leaves the breaker inside untouched by the loser, and the bulkhead inside empty", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10 })
      const breaker = yield* CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(1) })
      const bulkhead = yield* Bulkhead.make()
      const { call } = calling(1000, 5)
      const state = Effect.all([breaker.state, bulkhead.state])
      const hedged = call.pipe(breaker.protect, bulkhead.protect, hedge.protect, Idempotent.mark)
      const exit = yield* within(Effect.andThen(hedged, state), 15)
      const [circuit, slots] = Exit.isSuccess(exit!) ? exit.value : assert.fail("no answer")
      assert.include(circuit, { state: "Closed", suspicion: 0 })
      assert.include(slots, { running: 0, queued: 0 })
    }))

  it.effect("has no copy begun that could not end before its deadline", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10, maxCopies: 3 })
      for (const [deadline, copies] of [[19, 1], [20, 2], [29, 2], [30, 3]] as const) {
        const { call, seen } = calling(1000)
        const now = yield* Effect.clockWith((clock) => clock.monotonicTimeNanos)
        const hedged = Effect.provideService(
          Idempotent.mark(hedge.protect(call)),
          Deadline.CurrentDeadline,
          Number(now) / 1e6 + deadline
        )
        yield* within(hedged, 25)
        assert.strictEqual(seen.begun, copies, `${deadline} ms are left`)
      }
    }))
})

describe("copies that are not alike", () => {
  it.effect("are asked for by their numbers, marked or not, while both budgets pay", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10, maxCopies: 4 })
      const asked: Array<number> = []
      let paid = 0
      const race = hedge.race(
        (index) => {
          asked.push(index)
          return Effect.as(Effect.sleep(index === 1 ? 25 : 1000), `copy ${index}`)
        },
        { withdrawUnsafe: () => ++paid < 3 }
      )
      answered("copy 1")(yield* within(race, 35))
      assert.deepStrictEqual([asked, paid], [[0, 1, 2], 3])
      assert.include(yield* hedge.state, { extra: 2, won: 1 })
    }))
})

describe("the budget of a hedge", () => {
  const slow = (hedge: Hedge.Hedge) => within(Idempotent.mark(hedge.protect(calling(50, 10).call)), 50)

  it.effect("is what its successes pay in, up to its burst, and a full burst to begin with", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10, maxExtraLoad: 0.25, burst: 2 })
      const extra: Array<number> = []
      for (let call = 0; call < 12; call++) {
        yield* slow(hedge)
        extra.push((yield* hedge.state).extra)
      }
      assert.deepStrictEqual(extra, [1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])
      yield* hedge.reset
      assert.strictEqual((yield* hedge.state).credit, 2)
    }))

  it.effect("is not paid in by failures, nor by calls that are interrupted", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10, maxExtraLoad: 1, burst: 3 })
      yield* within(Idempotent.mark(hedge.protect(Effect.andThen(Effect.sleep(20), Effect.fail("down")))), 100)
      yield* within(Idempotent.mark(hedge.protect(Effect.never)), 20)
      assert.include(yield* hedge.state, { extra: 2, credit: 1 })
    }))

  it.effect("is shared with others where one is given: nothing begins that it does not pay for", () =>
    Effect.gen(function*() {
      const asked: Array<number> = []
      let left = 1
      const budget: Hedge.Budget = {
        withdrawUnsafe: (now) => {
          asked.push(now)
          return left-- > 0
        }
      }
      const hedge = yield* Hedge.make({ delay: 10, budget })
      yield* TestClock.adjust(1000)
      yield* slow(hedge)
      yield* slow(hedge)
      assert.strictEqual((yield* hedge.state).extra, 1)
      assert.closeTo((yield* hedge.state).credit, 9.04, 1e-9)
      assert.deepStrictEqual(asked, [1010, 1060])
    }))

  it.effect("is not asked of the others when it is spent itself", () =>
    Effect.gen(function*() {
      let asked = 0
      const hedge = yield* Hedge.make({ delay: 10, burst: 1, budget: { withdrawUnsafe: () => ++asked > 0 } })
      yield* slow(hedge)
      yield* slow(hedge)
      assert.deepStrictEqual([asked, (yield* hedge.state).extra], [1, 1])
    }))

  it.effect("is the share of calls beyond the quantile, unless it is set", () =>
    Effect.gen(function*() {
      const paidIn = (options: Hedge.Options) =>
        Effect.gen(function*() {
          const hedge = yield* Hedge.make({ burst: 1, ...options })
          yield* slow(hedge)
          return Number((yield* hedge.state).credit.toFixed(6))
        })
      const delay = Hedge.quantile(0.75, { fallback: 10 })
      assert.strictEqual(yield* paidIn({ delay }), 0.25)
      assert.strictEqual(yield* paidIn({ delay, maxExtraLoad: 0.5 }), 0.5)
      assert.strictEqual(yield* paidIn({ delay: 10 }), 0.02)
    }))
})

describe("a delay that is a quantile", () => {
  it.effect("hedges nothing until enough is known, and then what takes longer than nearly all did", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make()
      const ask = (...takes: ReadonlyArray<number>) => {
        const { call, seen } = calling(...takes)
        return Effect.as(within(Idempotent.mark(hedge.protect(call)), 100), seen)
      }
      assert.strictEqual((yield* ask(90)).begun, 1)
      for (let n = 0; n < 98; n++) yield* ask(n === 0 ? 40 : 20)
      assert.notProperty(yield* hedge.state, "delay")
      yield* ask(20)
      assert.strictEqual((yield* ask(90, 20)).begun, 2)
      assert.closeTo((yield* hedge.state).delay!, 20, 1)
      assert.strictEqual((yield* ask(20)).begun, 1)
    }))

  it("has its usual window, fallback and least where they are not given, or given as nothing", () => {
    const usual = { _tag: "Quantile", quantile: 0.9, window: "30 seconds", fallback: "Infinity", atLeast: "1 millis" }
    for (const options of [undefined, {}, { window: undefined, fallback: undefined, atLeast: undefined }]) {
      assert.deepStrictEqual(Hedge.quantile(0.9, options) as object, usual)
    }
    assert.deepStrictEqual(Hedge.quantile(0.9, { window: 5, atLeast: undefined }) as object, { ...usual, window: 5 })
  })

  it.effect("begins with its fallback", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: Hedge.quantile(0.9, { fallback: 30 }) })
      const { call, seen } = calling(1000)
      yield* within(Idempotent.mark(hedge.protect(call)), 29)
      assert.strictEqual(seen.begun, 1)
      yield* within(Idempotent.mark(hedge.protect(call)), 30)
      assert.strictEqual(seen.begun, 3)
    }))
})

describe("a family of hedges", () => {
  it.effect("has its own budget and options a key, and forgets none that owes", () =>
    Effect.gen(function*() {
      const hedge = yield* Hedge.make({ delay: 10, maxKeys: 3 })
      const other = yield* hedge.configure("other", { delay: 20 })
      const { call, seen } = calling(1000, 1)
      yield* within(Idempotent.mark(other.protect(call)), 15)
      assert.strictEqual(seen.begun, 1)
      yield* within(Idempotent.mark(other.protect(call)), 25)
      assert.deepStrictEqual((yield* hedge.states).map(({ extra, key }) => [key, extra]), [["default", 0], [
        "other",
        0
      ]])
      yield* within(Idempotent.mark(other.protect(calling(1000, 1).call)), 25)
      yield* Effect.sync(() => [hedge.at("third"), hedge.at("fourth")])
      assert.deepStrictEqual(yield* hedge.keys, ["default", "other", "fourth"])
      yield* hedge.resetKey("other")
      assert.include(yield* hedge.stateOf("other"), { credit: 10, extra: 1 })
      assert.deepInclude({ ...(yield* Effect.flip(hedge.stateOf("third"))) }, {
        _tag: "InvalidArgument",
        subject: "Hedge.stateOf"
      })
    }))

  it.effect("is a service, with options from code or from the configuration", () =>
    Effect.gen(function*() {
      const delays = Effect.map(Hedge.Hedge.use((hedge) => hedge.state), ({ delay }) => delay)
      const provider = ConfigProvider.fromUnknown({ delay: "70 millis" })
      const layers = [
        Hedge.layer({ delay: 50 }),
        Hedge.layerConfig({ delay: Config.Duration("delay") }).pipe(Layer.provide(ConfigProvider.layer(provider)))
      ]
      assert.deepStrictEqual(yield* Effect.forEach(layers, (layer) => Effect.provide(delays, layer)), [50, 70])
    }))
})

describe("a hedge that cannot work", () => {
  const wrong: ReadonlyArray<readonly [string, string, object]> = [
    ...[NaN, -1, "soon", "Infinity", Infinity, null, {}, true].map((delay) =>
      ["delay", "it has to be a duration", { delay }] as const
    ),
    ...[NaN, 0, 1, -0.5, 98, "0.9", null].map((q) =>
      ["delay.quantile", "it has to be a number above 0 and below 1", { delay: Hedge.quantile(q as number) }] as const
    ),
    ["delay.window", "it has to be a finite duration above zero", { delay: Hedge.quantile(0.9, { window: 0 }) }],
    ["delay.atLeast", "it has to be a finite duration above zero", { delay: Hedge.quantile(0.9, { atLeast: 0 }) }],
    ["delay.fallback", "it has to be a duration above zero", { delay: Hedge.quantile(0.9, { fallback: -1 }) }],
    ["delay.fallbak", "there is no such option", { delay: Hedge.quantile(0.9, { fallbak: 5 } as object) }],
    ...[NaN, 0, 1, 1.5, 11, Infinity, "2", null].map((maxCopies) =>
      ["maxCopies", "it has to be a whole number from 2 to 10", { maxCopies }] as const
    ),
    ...[NaN, 0, -0.1, 1.1, Infinity, "0.1", null].map((maxExtraLoad) =>
      ["maxExtraLoad", "it has to be a number above 0 and up to 1", { maxExtraLoad }] as const
    ),
    ...[NaN, 0, 0.5, Infinity, "3"].map((burst) =>
      ["burst", "it has to be a whole number from 1 up", { burst }] as const
    ),
    ...[null, {}, 5].map((budget) =>
      ["budget", "it has to be a budget, with a method withdrawUnsafe", { budget }] as const
    ),
    ["maxKeys", "it has to be a whole number from 1 up", { maxKeys: 0 }],
    ["maxCopy", "there is no such option", { maxCopy: 2 }]
  ]
  it.effect.each(wrong.map(([field, rule, options]) => [JSON.stringify(options), { field, rule, options }] as const))(
    "is refused for %s, by name and rule",
    ([, { field, options, rule }]) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Hedge.make(options))
        assert.instanceOf(error, Configuration.InvalidConfiguration)
        assert.deepStrictEqual([error.subject, error.field], ["Hedge", field])
        assert.isTrue(error.rule.startsWith(rule), error.rule)
      })
  )

  it.effect("is refused for a quantile that no sum can be done with, and a delay of a kind that there is not", () =>
    Effect.gen(function*() {
      for (const q of [5n, Symbol("median"), {}, undefined]) {
        const error = yield* Effect.flip(Hedge.make({ delay: Hedge.quantile(q as never) }))
        assert.deepInclude({ ...error }, { field: "delay.quantile", rule: "it has to be a number above 0 and below 1" })
      }
      const { field, rule } = yield* Effect.flip(Hedge.make({ delay: { _tag: "Mean", quantile: 0.9 } as never }))
      assert.deepStrictEqual([field, rule], ["delay", "it has to be a duration such as \"5 seconds\""])
    }))
})

describe("the page on hedges", () => {
  const page = readFileSync(join(root, "docs/policies/hedge.md"), "utf8")
  const { delay, ...numbers } = Hedge.defaults
  it.each(Object.entries(numbers))("has the default of %s", (name, value) => {
    assert.include(page, `| \`${name}\` | ${value} |`)
  })

  it("has the default of the delay", () => {
    assert.include(page, `| \`delay\` | \`quantile(${delay.quantile})\` |`)
    assert.include(page, `| \`window\` | ${String(delay.window)} |`)
    assert.include(page, `| \`fallback\` | \`"${String(delay.fallback)}"\` |`)
    assert.include(page, `| \`atLeast\` | ${String(delay.atLeast).replace("millis", "milli")} |`)
  })
})
