/**
 * Which calls may be made twice.
 *
 * A call is idempotent when making it once more changes nothing: reads, puts of
 * a whole value, writes under a key that the other side knows again. Nobody but
 * the caller can tell, so nothing here is idempotent until it is marked.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Description } from "./Description.ts"
import * as Policy from "./Policy.ts"

/**
 * Whether what the running fiber does may be done twice.
 *
 * @category references
 * @since 0.1.0
 */
export const CurrentIdempotent: Context.Reference<boolean> = Context.Reference<boolean>(
  "effect-relay/policy/Idempotent",
  { defaultValue: () => false }
)

const as = (idempotent: boolean, description: Description): Policy.Policy =>
  Policy.make(
    <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.provideService(self, CurrentIdempotent, idempotent),
    () => description
  )

/**
 * Says of everything inside an effect that it may be done twice. What stands
 * inside sees the mark, so in a `pipe` it comes after the policies that ask for it.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Hedge, Idempotent } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const hedge = yield* Hedge.make({ delay: "10 millis" })
 *   let calls = 0
 *   const read = Effect.suspend(() => Effect.as(Effect.sleep(++calls === 1 ? "1 second" : "1 millis"), calls))
 *   return yield* read.pipe(hedge.protect, Idempotent.mark)
 * })
 *
 * Effect.runPromise(program).then((calls) => console.log("answered by call", calls))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const mark: Policy.Policy = as(true, { _tag: "Idempotent" })

/**
 * Takes the mark off again, for the part of a marked effect that must not be
 * done twice.
 *
 * @category combinators
 * @since 0.1.0
 */
export const unmark: Policy.Policy = as(false, { _tag: "Custom", name: "not idempotent" })
