/**
 * Something else instead of a failure: a value, an effect, or one or the other
 * by the tag of the failure.
 *
 * Only failures are replaced. A defect is a bug and an interrupt is a caller who
 * left; both pass through. A fallback that fails itself fails with its own
 * failure, typed.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Configuration from "./Configuration.ts"
import type { Described } from "./Description.ts"
import * as Policy from "./Policy.ts"
import * as Verdict from "./Verdict.ts"

/**
 * A function from an effect that may fail with `E` to one that answers with `B`
 * instead, and fails with `E2`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fallback<in E, out B, out E2, out R2> extends Described {
  <A, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A | B, E2, R | R2>
}

const instead = <E, B, E2, R2>(handler: (error: E) => Effect.Effect<B, E2, R2>): Fallback<E, B, E2, R2> =>
  Policy.make(Effect.catch(handler), () => ({ _tag: "Fallback", catches: undefined }))

/**
 * A value instead of every failure.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Fallback } from "effect-relay"
 *
 * const program = Effect.fail("down").pipe(Fallback.value("the answer of yesterday"))
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const value = <B>(value: B): Fallback<unknown, B, never, never> => {
  const answer = Effect.succeed(value)
  return instead(() => answer)
}

/**
 * An effect instead of every failure, or what a function makes of the failure.
 * Throws `InvalidConfiguration` on anything else.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Fallback } from "effect-relay"
 *
 * const primary = Effect.fail("primary is down")
 * const program = primary.pipe(
 *   Fallback.effect((error) => Effect.succeed(`answered by the backup, because ${error}`))
 * )
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const effect = <E, B, E2, R2>(
  fallback: Effect.Effect<B, E2, R2> | ((error: NoInfer<E>) => Effect.Effect<B, E2, R2>)
): Fallback<E, B, E2, R2> => {
  // a service key is an effect and a function
  if (Effect.isEffect(fallback)) return instead(() => fallback)
  if (typeof fallback === "function") return instead(fallback)
  return refuse(
    "Fallback.effect",
    "fallback",
    fallback,
    "it has to be an effect, or a function from the failure to one"
  )
}

// a fallback is a value, not an effect: what it cannot be made from is thrown
const refuse = (subject: string, field: string, value: unknown, rule: string): never => {
  throw new Configuration.InvalidConfiguration({ subject, field, value: value === null ? "null" : typeof value, rule })
}

type Tags<E> = Extract<E, { readonly _tag: string }>["_tag"]

type Handler = (error: never) => Effect.Effect<unknown, unknown, unknown>

/**
 * Handlers by tag. Where it is known which failures there are, no other tags are.
 *
 * @category models
 * @since 0.1.0
 */
export type Handlers<E, Tag extends PropertyKey> =
  & { readonly [K in Tags<E>]?: (error: Extract<E, { readonly _tag: K }>) => Effect.Effect<any, any, any> }
  & (unknown extends E ? {} : { readonly [K in Exclude<Tag, Tags<E>>]: never })

type Answer<H> = H extends (...args: Array<any>) => Effect.Effect<infer A, any, any> ? A : never
type Failure<H> = H extends (...args: Array<any>) => Effect.Effect<any, infer E, any> ? E : never
type Needs<H> = H extends (...args: Array<any>) => Effect.Effect<any, any, infer R> ? R : never

/**
 * What a handler makes of the failure with its tag; other failures pass through.
 *
 * Throws `InvalidConfiguration` on a handler that is no function.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Bulkhead, Fallback } from "effect-relay"
 *
 * const program = Effect.gen(function*() {
 *   const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueued: 0 })
 *   const call = Effect.as(Effect.sleep("5 millis"), "fresh").pipe(
 *     bulkhead.protect,
 *     Fallback.byTag({ BulkheadFull: (full) => Effect.succeed(`stale, because ${full.message}`) })
 *   )
 *   return yield* Effect.all([call, call], { concurrency: 2 })
 * })
 *
 * Effect.runPromise(program).then(console.log)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const byTag = <E, Cases extends Handlers<E, keyof Cases>>(
  cases: Cases
): Fallback<
  E,
  Answer<Cases[keyof Cases]>,
  Exclude<E, { readonly _tag: keyof Cases }> | Failure<Cases[keyof Cases]>,
  Needs<Cases[keyof Cases]>
> => {
  if (typeof cases !== "object" || cases === null || Array.isArray(cases)) {
    refuse("Fallback.byTag", "cases", cases, "it has to be an object of handlers by tag")
  }
  const handlers = new Map<string, Handler>()
  for (const [tag, handler] of Object.entries<Handler | undefined>(cases)) {
    if (handler === undefined) continue
    if (typeof handler !== "function") {
      refuse("Fallback.byTag", tag, handler, "it has to be a function from the failure to an effect")
    }
    handlers.set(tag, handler)
  }
  const find = (error: E): Result.Result<Effect.Effect<any, any, any>, any> => {
    const tag = Verdict.tagOf(error)
    const handler = tag === undefined ? undefined : handlers.get(tag)
    return handler === undefined ? Result.fail(error) : Result.succeed(handler(error as never))
  }
  return Policy.make(
    <A, R>(self: Effect.Effect<A, E, R>) =>
      Effect.catchFilter(self, find, (handled: Effect.Effect<any, any, any>) => handled),
    () => ({ _tag: "Fallback", catches: Array.from(handlers.keys()) })
  )
}
