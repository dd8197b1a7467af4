/**
 * What property tests are made of: values to draw, and the proof that a law has teeth.
 */
import { assert } from "@effect/vitest"
import { Arbitrary, Cause, Effect, Schema } from "effect"

/** Whole numbers within bounds. */
export const int = (minimum: number, maximum: number): Arbitrary.Arbitrary<number> =>
  Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum, maximum })))

/** One of a few values. */
export const oneOf = <const A extends string | number | boolean>(...values: ReadonlyArray<A>): Arbitrary.Arbitrary<A> =>
  Arbitrary.map(int(0, values.length - 1), (index) => values[index]!)

/** Up to `maxLength` values. */
export const list = <A>(item: Arbitrary.Arbitrary<A>, maxLength: number, minLength = 0) =>
  Arbitrary.array(item, { minLength, maxLength })

/**
 * How a law is checked: the same cases at every run. Whoever only asks whether a law is broken has no use for the smallest
 * case, and may look at a few cases before all of them.
 */
export const check = (runs: number) => {
  // read anew by every test file: this module may stay when they are loaded again
  const { LAWS } = process.env
  const search = LAWS === undefined ? {} : { maxShrinks: 0 }
  return {
    arbitrary: { runs: LAWS === "few" ? Math.ceil(runs / 10) : runs, seed: "effect-relay", size: 100, ...search }
  }
}

/** Passes if some case breaks the law: a law that nothing breaks says nothing. */
export const isBroken = <A>(cases: Arbitrary.Arbitrary<A>, law: (value: A) => void): Effect.Effect<void> =>
  isBrokenEffect(cases, (value) => Effect.sync(() => law(value)))

/** The same for a law that takes time. */
export const isBrokenEffect = <A, E>(
  cases: Arbitrary.Arbitrary<A>,
  law: (value: A) => Effect.Effect<void, E>
): Effect.Effect<void> =>
  Effect.map(
    Arbitrary.checkEffect(
      cases,
      (value) => Effect.as(Effect.catchCause(law(value), (cause) => Effect.fail(Cause.squash(cause))), true),
      { ...check(2000).arbitrary, runs: 2000, maxShrinks: 0 }
    ),
    (result) => {
      if (result._tag !== "Falsified" || result.failure._tag !== "PropertyError") {
        return assert.fail(
          "no case breaks the law"
        )
      }
      // the law has to say so itself, not stumble
      assert.strictEqual((result.failure.error as Error).name, "AssertionError", String(result.failure.error))
    }
  )
