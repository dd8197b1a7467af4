/**
 * A policy is a function from effect to effect: `pipe` and `flow` compose
 * policies, and the failures they add are a union.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as Configuration from "./Configuration.ts"
import type { Described, Description } from "./Description.ts"
import { TypeId } from "./Description.ts"
import * as Explanation from "./Explanation.ts"

/**
 * A function from effect to effect that adds the failures `Err` and the needs
 * `Req`, and can say what it does.
 *
 * @category models
 * @since 0.1.0
 */
export interface Policy<out Err = never, out Req = never> extends Described {
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | Err, R | Req>
}

/**
 * The failures that a policy adds.
 *
 * @category models
 * @since 0.1.0
 */
export type FailureOf<P> = P extends Policy<infer Err, any> ? Err : never

/**
 * What a policy needs beside what the effect does.
 *
 * @category models
 * @since 0.1.0
 */
export type NeedsOf<P> = P extends Policy<any, infer Req> ? Req : never

/**
 * Gives a function from effect to effect its description.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <F extends object>(apply: F, describe: () => Description): F & Described =>
  Object.assign(apply, { [TypeId]: describe })

/**
 * Several policies as one, the innermost first, as in a `pipe`. It fails with
 * whatever they can fail with, and keeps what they say of themselves.
 *
 * A function of your own becomes a policy with `make`. What takes failures away,
 * such as a fallback, is no policy in this sense: put it behind in a `pipe`.
 * Throws `InvalidConfiguration` on what is no function.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Idempotent, Policy } from "effect-relay"
 *
 * const logged: Policy.Policy = Policy.make(
 *   <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.tap(self, (answer) => Effect.log(answer)),
 *   () => ({ _tag: "Custom", name: "log" })
 * )
 * const guarded = Policy.compose(logged, Idempotent.mark)
 *
 * Effect.runPromise(guarded(Effect.succeed("answered"))).then(() => console.log(Policy.explain(guarded)))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const compose = <const Policies extends ReadonlyArray<Policy<any, any>>>(
  ...policies: Policies
): Policy<FailureOf<Policies[number]>, NeedsOf<Policies[number]>> => {
  policies.forEach((policy, index) => {
    if (typeof policy === "function") return
    throw new Configuration.InvalidConfiguration({
      subject: "Policy.compose",
      field: String(index),
      value: policy === null ? "null" : typeof policy,
      rule: "it has to be a policy"
    })
  })
  return make(
    <A, E, R>(self: Effect.Effect<A, E, R>) => policies.reduce((inside, policy) => policy(inside), self),
    () => ({ _tag: "Stack", parts: policies.map(Explanation.describe) })
  )
}

/**
 * What a stack of policies does to a call, in words: the policies in order, how
 * many attempts, how much time and load one call can become at worst, and which
 * orders are known to be wrong.
 *
 * Takes a policy, or a list of them, the innermost first as in a `pipe`. A
 * function without a description is shown as a custom function. Limits are read
 * as they are now. It never throws.
 *
 * @category getters
 * @since 0.1.0
 */
export const explain = (stack: Explanation.Explainable): string => Explanation.print(examine(stack))

/**
 * The same as data.
 *
 * @category getters
 * @since 0.1.0
 */
export const examine = (stack: Explanation.Explainable): Explanation.Explanation => Explanation.of(stack)
