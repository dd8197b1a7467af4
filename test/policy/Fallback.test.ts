import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber } from "effect"
import { Bulkhead, CircuitBreaker, Configuration, Deadline, Fallback, Policy } from "effect-relay"
import { TestClock } from "effect/testing"

class Backup extends Context.Service<Backup, { readonly answer: string }>()("test/Backup") {}

const full = new Bulkhead.BulkheadFull({ key: "k", reason: "Full", maxConcurrent: 1, maxQueued: 0, attempts: [] })
const open = new CircuitBreaker.CircuitOpen({ key: "k", reason: "Open", attempts: [] })

const call: Effect.Effect<number, Bulkhead.BulkheadFull | CircuitBreaker.CircuitOpen> = Effect.fail(full)
const refused: Effect.Effect<number, Bulkhead.BulkheadFull | CircuitBreaker.CircuitOpen> = Effect.fail(open)

const fallbacks: ReadonlyArray<
  readonly [
    string,
    <E extends Bulkhead.BulkheadFull>(self: Effect.Effect<number, E>) => Effect.Effect<unknown, unknown>
  ]
> = [
  ["a value", (self) => self.pipe(Fallback.value("instead"))],
  ["an effect", (self) => self.pipe(Fallback.effect(Effect.succeed("instead")))],
  ["a function", (self) => self.pipe(Fallback.effect(() => Effect.succeed("instead")))],
  ["a handler of a tag", (self) => Fallback.byTag({ BulkheadFull: () => Effect.succeed("instead") })(self)]
]

describe("Fallback", () => {
  it.effect.each(fallbacks)(
    "puts %s in the place of a failure, and of nothing else",
    ([, apply]) =>
      Effect.gen(function*() {
        assert.strictEqual(yield* apply(Effect.fail(full)), "instead")
        assert.strictEqual(yield* apply(Effect.succeed(5)), 5)
        const died = yield* Effect.exit(apply(Effect.die("bug")))
        assert.deepStrictEqual(died, Exit.die("bug"))
        const both = yield* Effect.exit(apply(Effect.failCause(Cause.combine(Cause.fail(full), Cause.die("bug")))))
        assert.isTrue(Exit.isFailure(both) && Cause.hasDies(both.cause))
        assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(apply(Effect.interrupt))))
      })
  )

  it.effect.each(fallbacks)(
    "lets a caller leave while %s stands by, even one whose finalizer fails",
    ([, apply]) =>
      Effect.gen(function*() {
        const leaves = Effect.onExit(Effect.never, () => Effect.fail(full))
        const fiber = yield* Effect.forkChild(apply(leaves), { startImmediately: true })
        yield* Fiber.interrupt(fiber)
        const exit = yield* Fiber.await(fiber)
        assert.isTrue(Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause) && !Cause.hasFails(exit.cause))
      })
  )

  it.effect("hears a failure that interrupted its siblings on the way", () =>
    Effect.gen(function*() {
      const siblings = Effect.all([Effect.never, Effect.andThen(Effect.sleep(5), Effect.fail(full))], {
        concurrency: 2
      })
      const fiber = yield* Effect.forkChild(siblings.pipe(Fallback.value("instead")), { startImmediately: true })
      yield* TestClock.adjust(5)
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.succeed("instead"))
    }))

  it.effect("by tag passes on what it has no handler for, as it was", () =>
    Effect.gen(function*() {
      const handled = refused.pipe(Fallback.byTag({ BulkheadFull: () => Effect.succeed(1) }))
      assert.deepStrictEqual(yield* Effect.exit(handled), Exit.fail(open))
      for (const error of ["down", null, undefined, 5, { _tag: 7 }, { _tag: "constructor" }, { _tag: "__proto__" }]) {
        const call: Effect.Effect<number, unknown> = Effect.fail(error)
        assert.deepStrictEqual(yield* Effect.exit(call.pipe(Fallback.byTag({}))), Exit.fail(error))
      }
    }))

  it.effect("gives its handler the failure, and fails with the handler's own", () =>
    Effect.gen(function*() {
      const own = call.pipe(
        Fallback.byTag({ BulkheadFull: (full) => Effect.fail(`no slot in ${full.key}`) }),
        Effect.catchTag("CircuitOpen", Effect.die)
      )
      assert.strictEqual(yield* Effect.flip(own), "no slot in k")
      const thrown = call.pipe(Fallback.effect((): Effect.Effect<never> => {
        throw new Error("bug")
      }))
      assert.isTrue(Exit.hasDies(yield* Effect.exit(thrown)))
    }))

  it.effect("takes a service for an effect, though its key is a function", () =>
    Effect.gen(function*() {
      const instead = yield* call.pipe(Fallback.effect(Backup), Effect.provideService(Backup, { answer: "backup" }))
      assert.deepStrictEqual(instead, { answer: "backup" })
    }))

  it("says which failures it replaces", () => {
    const said = (policy: object) => Policy.examine(policy).parts[0]!.text
    assert.strictEqual(said(Fallback.value(1)), "fallback: answers instead of every failure")
    assert.strictEqual(
      said(Fallback.byTag({ BulkheadFull: () => Effect.succeed(1), CircuitOpen: () => Effect.succeed(1) })),
      "fallback: answers instead of BulkheadFull, CircuitOpen"
    )
  })

  it("refuses what is no handler when it is built", () => {
    const refusal = (make: () => unknown): string => {
      try {
        make()
        return "accepted"
      } catch (error) {
        assert.instanceOf(error, Configuration.InvalidConfiguration)
        return error.message
      }
    }
    assert.strictEqual(
      refusal(() => Fallback.byTag({ BulkheadFull: 5 } as object)),
      "Fallback.byTag: BulkheadFull is number, but it has to be a function from the failure to an effect"
    )
    for (
      const [cases, name] of [[null, "null"], [undefined, "undefined"], ["retry", "string"], [[], "object"]] as const
    ) {
      assert.strictEqual(
        refusal(() => Fallback.byTag(cases as never)),
        `Fallback.byTag: cases is ${name}, but it has to be an object of handlers by tag`
      )
    }
    assert.strictEqual(
      refusal(() => Fallback.effect(null as never)),
      "Fallback.effect: fallback is null, but it has to be an effect, or a function from the failure to one"
    )
  })
})

describe("the type of a fallback", () => {
  it("loses the failures it replaces, and gains what its handlers add", () => {
    const a: Effect.Effect<number | string> = call.pipe(Fallback.value("stale"))
    const b: Effect.Effect<number, "none", Backup> = call.pipe(
      Fallback.effect((error) => error._tag === "CircuitOpen" ? Effect.fail("none") : Effect.as(Backup, 1))
    )
    const c: Effect.Effect<number | string, CircuitBreaker.CircuitOpen> = call.pipe(
      Fallback.byTag({ BulkheadFull: () => Effect.succeed("stale") })
    )
    const d: Effect.Effect<number, Deadline.DeadlineExceeded | "none", Backup> = refused.pipe(
      Fallback.byTag({
        BulkheadFull: (full) =>
          Effect.fail(new Deadline.DeadlineExceeded({ deadline: full.attempts.length as never, attempts: [] })),
        CircuitOpen: () => Effect.andThen(Backup, Effect.fail("none" as const))
      })
    )
    assert.isTrue([a, b, c, d].every(Effect.isEffect))
  })

  it("is an error where a tag cannot occur, a failure stays, or a handler is given the wrong one", () => {
    // @ts-expect-error nothing fails with RateLimited here
    const a = call.pipe(Fallback.byTag({ RateLimited: () => Effect.succeed(1) }))
    // @ts-expect-error CircuitOpen is left
    const b: Effect.Effect<number> = call.pipe(Fallback.byTag({ BulkheadFull: () => Effect.succeed(1) }))
    // @ts-expect-error the handler's own failure is left
    const c: Effect.Effect<number> = call.pipe(Fallback.effect(() => Effect.fail("down")))
    // @ts-expect-error a handler is given the failure of its tag
    const d = call.pipe(Fallback.byTag({ BulkheadFull: (open: CircuitBreaker.CircuitOpen) => Effect.succeed(open) }))
    // @ts-expect-error the service is needed
    const e: Effect.Effect<unknown> = call.pipe(Fallback.effect(Backup))
    assert.lengthOf([a, b, c, d, e], 5)
  })
})
