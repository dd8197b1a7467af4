/** Whatever stands inside whatever: no level of nested relays, retries and hedges is ever exceeded. */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Effect, Fiber, Random, Schedule } from "effect"
import { CircuitBreaker, Hedge, Idempotent, type RelayService, Retry } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { TestClock } from "effect/testing"
import * as Law from "../Law.ts"
import * as Trial from "./Trial.ts"

type Layer =
  | { readonly _tag: "Relay"; readonly endpoints: number; readonly maxAttempts: number; readonly hedges: boolean }
  | { readonly _tag: "Retry" }
  | { readonly _tag: "Hedge" }

interface Nest {
  /** The outermost first. */
  readonly outer: Layer & { readonly _tag: "Relay" }
  readonly inner: ReadonlyArray<Layer>
  readonly deadline: number | undefined
  readonly interruptAfter: number | undefined
  readonly seed: number
}

const relay = Arbitrary.map(Law.int(0, 3 * 6 * 2 - 1), (drawn): Nest["outer"] => ({
  _tag: "Relay",
  endpoints: 1 + drawn % 3,
  maxAttempts: 1 + Math.floor(drawn / 3) % 6,
  hedges: drawn >= 18
}))

const nests: Arbitrary.Arbitrary<Nest> = Arbitrary.flatMap(
  relay,
  (outer) =>
    Arbitrary.flatMap(
      Law.list(
        Arbitrary.flatMap(Law.oneOf("Relay", "Retry", "Hedge"), (_tag): Arbitrary.Arbitrary<Layer> =>
          _tag === "Relay" ? relay : Arbitrary.map(Law.int(0, 0), () => ({ _tag }))),
        3,
        1
      ),
      (inner) =>
        Arbitrary.map(Law.int(0, 9999), (seed): Nest => ({
          outer,
          inner,
          seed,
          deadline: seed % 3 === 0 ? 500 + seed : undefined,
          interruptAfter: seed % 4 === 0 ? seed : undefined
        }))
    )
)

type Wrap = <A>(self: Effect.Effect<A, string>) => Effect.Effect<A, string>

interface Level {
  readonly wrap: Wrap
  readonly status: Effect.Effect<ReadonlyArray<{ readonly inFlight: number; readonly running: number }>>
}

const idle: Level["status"] = Effect.succeed([])

const build = Effect.fnUntraced(function*(layer: Layer, deadline: number | undefined) {
  switch (layer._tag) {
    case "Retry": {
      const { protect } = yield* Retry.make({ schedule: Schedule.spaced("300 millis"), budget: "unlimited" })
      return { wrap: protect, status: idle } satisfies Level
    }
    case "Hedge": {
      const { protect } = yield* Hedge.make({ delay: "200 millis", maxCopies: 4, maxExtraLoad: 1, burst: 100 })
      return { wrap: (self) => self.pipe(protect, Idempotent.mark), status: idle } satisfies Level
    }
    case "Relay": {
      const ids = Array.from({ length: layer.endpoints }, (_, index) => `e${index}`)
      const service: RelayService.RelayService = yield* Effect.provide(
        Trial.relay,
        Trial.over(ids.map((id) => ScriptedEndpoint.make(id, [ScriptedEndpoint.answer("")])), {
          maxAttempts: layer.maxAttempts,
          retry: Schedule.spaced("500 millis"),
          hedge: layer.hedges ? { delay: "100 millis", maxExtraLoad: 1, burst: 100 } : "off",
          circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(5), openFor: "1 second" }
        })
      )
      const options = deadline === undefined ? {} : { deadline: Duration.millis(deadline) }
      return {
        wrap: (self) =>
          Effect.mapBoth(service.execute(() => self, options), { onFailure: String, onSuccess: ({ value }) => value }),
        status: Effect.map(
          service.status,
          (all) => all.map(({ bulkhead, inFlight }) => ({ inFlight, running: bulkhead.running }))
        )
      } satisfies Level
    }
  }
})

interface Run {
  readonly nest: Nest
  /** When each call reached the innermost. */
  readonly reached: ReadonlyArray<number>
  readonly ended: boolean
  readonly left: ReadonlyArray<{ readonly inFlight: number; readonly running: number }>
}

/** Runs a nest over an innermost call that is slow or fails as chance will have it. */
const play = (nest: Nest): Effect.Effect<Run> =>
  Effect.gen(function*() {
    const reached: Array<number> = []
    const innermost = Effect.gen(function*() {
      reached.push(yield* Trial.now)
      const drawn = yield* Random.next
      yield* Effect.sleep(Math.floor(drawn * 400))
      return yield* drawn < 0.9 ? Effect.fail("down") : Effect.succeed("up")
    })
    const outer = yield* build(nest.outer, nest.deadline)
    const inner = yield* Effect.forEach(nest.inner, (layer) => build(layer, undefined))
    const nested = inner.reduceRight<Effect.Effect<string, string>>((self, { wrap }) => wrap(self), innermost)
    const call = yield* Trial.start(Effect.exit(outer.wrap(nested)))
    if (nest.interruptAfter !== undefined) {
      yield* Trial.pass(Duration.millis(nest.interruptAfter))
      yield* Fiber.interrupt(call)
    }
    yield* Trial.pass("5 minutes")
    const left = yield* Effect.forEach([outer, ...inner], ({ status }) => status)
    return { nest, reached, ended: Trial.hasEnded(call), left: left.flat() }
  }).pipe(
    Random.withSeed(nest.seed),
    Effect.scoped,
    Effect.provide(TestClock.layer()),
    Effect.orDie
  )

const holds = ({ ended, left, nest: { deadline = Infinity, interruptAfter = Infinity, outer }, reached }: Run) => {
  assert.isAtMost(reached.length, outer.maxAttempts)
  for (const at of reached) assert.isTrue(at < Math.min(deadline, interruptAfter) || at === 0)
  assert.isTrue(ended)
  for (const one of left) assert.deepStrictEqual(one, { inFlight: 0, running: 0 })
}

describe("nested relays, retries and hedges", () => {
  it.effect(
    "never reach the innermost more often than the outermost may, nor late, and leave nothing behind",
    () =>
      Effect.gen(function*() {
        let most = 0
        const result = yield* Arbitrary.checkEffect(
          nests,
          (nest) =>
            Effect.map(play(nest), (run) => {
              holds(run)
              most = Math.max(most, run.reached.length)
              return true
            }),
          Law.check(300).arbitrary
        )
        assert.strictEqual(result._tag, "Passed", JSON.stringify(result))
        assert.strictEqual(most, 6)
      }),
    60_000
  )

  it.effect(
    "reach it more often where the outermost allows more",
    () =>
      Law.isBrokenEffect(nests, (nest) =>
        Effect.gen(function*() {
          const { reached } = yield* play({ ...nest, outer: { ...nest.outer, maxAttempts: 1000 } })
          assert.isAtMost(reached.length, nest.outer.maxAttempts)
        })),
    60_000
  )
})
