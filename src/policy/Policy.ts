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
 * such as a fallback, is no policy in this sense: put it behind in a `pipe`. For
 * more than six, compose what was composed. Throws `InvalidConfiguration` on what
 * is no function.
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
export const compose: {
  <E1 = never, R1 = never>(a: Policy<E1, R1>): Policy<E1, R1>
  <E1 = never, R1 = never, E2 = never, R2 = never>(a: Policy<E1, R1>, b: Policy<E2, R2>): Policy<E1 | E2, R1 | R2>
  <E1 = never, R1 = never, E2 = never, R2 = never, E3 = never, R3 = never>(
    a: Policy<E1, R1>,
    b: Policy<E2, R2>,
    c: Policy<E3, R3>
  ): Policy<E1 | E2 | E3, R1 | R2 | R3>
  <E1 = never, R1 = never, E2 = never, R2 = never, E3 = never, R3 = never, E4 = never, R4 = never>(
    a: Policy<E1, R1>,
    b: Policy<E2, R2>,
    c: Policy<E3, R3>,
    d: Policy<E4, R4>
  ): Policy<E1 | E2 | E3 | E4, R1 | R2 | R3 | R4>
  <
    E1 = never,
    R1 = never,
    E2 = never,
    R2 = never,
    E3 = never,
    R3 = never,
    E4 = never,
    R4 = never,
    E5 = never,
    R5 = never
  >(
    a: Policy<E1, R1>,
    b: Policy<E2, R2>,
    c: Policy<E3, R3>,
    d: Policy<E4, R4>,
    e: Policy<E5, R5>
  ): Policy<E1 | E2 | E3 | E4 | E5, R1 | R2 | R3 | R4 | R5>
  <
    E1 = never,
    R1 = never,
    E2 = never,
    R2 = never,
    E3 = never,
    R3 = never,
    E4 = never,
    R4 = never,
    E5 = never,
    R5 = never,
    E6 = never,
    R6 = never
  >(
    a: Policy<E1, R1>,
    b: Policy<E2, R2>,
    c: Policy<E3, R3>,
    d: Policy<E4, R4>,
    e: Policy<E5, R5>,
    f: Policy<E6, R6>
  ): Policy<E1 | E2 | E3 | E4 | E5 | E6, R1 | R2 | R3 | R4 | R5 | R6>
} = (...policies: ReadonlyArray<Policy<any, any>>): Policy<any, any> => {
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
