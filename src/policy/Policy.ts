/**
 * A policy is a function from effect to effect: `pipe` and `flow` compose
 * policies, and the failures they add are a union.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { Described, Description } from "./Description.ts"
import { TypeId } from "./Description.ts"

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
