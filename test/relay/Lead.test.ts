import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { Hedge } from "effect-relay"
import * as Lead from "../../src/relay/Lead.ts"
import * as Trial from "./Trial.ts"

const unlimited = { withdrawUnsafe: () => true }

/** A race of two that begin one second apart. */
const race = Effect.fnUntraced(function*<A>(run: (index: number, lead: () => boolean) => Effect.Effect<A, string>) {
  const hedge = yield* Hedge.make({ delay: "1 second" })
  let begun = 0
  return Lead.race(hedge, (lead) => run(begun++, lead), unlimited)
})

describe("a race for the lead", () => {
  it.effect("has one leader, whoever asks after", () =>
    Effect.gen(function*() {
      const leads: Array<() => boolean> = []
      const left: Array<number> = []
      const racing = yield* Trial.start(
        yield* race((index, lead) => {
          leads[index] = lead
          return Effect.as(Effect.sleep("1 minute"), index).pipe(
            Effect.onInterrupt(() => Effect.sync(() => left.push(index)))
          )
        })
      )
      yield* Trial.pass("1 second")
      assert.deepStrictEqual([1, 0, 1, 0].map((index) => leads[index]!()), [true, false, true, false])
      yield* Trial.pass("1 second")
      assert.deepStrictEqual(left, [0])
      yield* Trial.pass("1 minute")
      assert.strictEqual(yield* Fiber.join(racing), 1)
    }))

  it.effect("is won by who ends without having led", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* yield* race(() => Effect.succeed("done")), "done")
    }))

  it.effect("ends with what its leader fails with later", () =>
    Effect.gen(function*() {
      const racing = yield* Trial.start(
        yield* race((_, lead) => {
          lead()
          return Effect.andThen(Effect.sleep("5 seconds"), Effect.fail("broken off"))
        })
      )
      yield* Trial.pass("5 seconds")
      assert.deepStrictEqual(yield* Fiber.await(racing), Exit.fail("broken off"))
    }))

  it.effect("leaves nobody running when it is interrupted, before there is a leader and after", () =>
    Effect.gen(function*() {
      for (const leads of [false, true]) {
        for (const after of ["0 seconds", "1 second", "3 seconds"] as const) {
          let running = 0
          const racing = yield* Trial.start(
            yield* race((_, lead) => {
              running++
              if (leads) lead()
              return Effect.onExit(
                Effect.never,
                () => Effect.andThen(Effect.sleep("1 milli"), Effect.sync(() => running--))
              )
            })
          )
          yield* Trial.pass(after)
          const interrupting = yield* Trial.start(Fiber.interrupt(racing))
          yield* Trial.pass("1 second")
          yield* Fiber.join(interrupting)
          assert.strictEqual(running, 0, `${leads} ${after}`)
        }
      }
    }))
})
