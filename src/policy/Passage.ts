/**
 * The ways in which a call passes the limits: with a weight that is known, or
 * with an estimate that is corrected once it is.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Limits from "../machine/Limits.ts"
import type * as Description from "./Description.ts"
import * as InvalidArgument from "./InvalidArgument.ts"
import type { RateLimited } from "./RateLimited.ts"
import * as Reservation from "./Reservation.ts"
import type * as Turns from "./Turns.ts"
import * as Weight from "./Weight.ts"

/**
 * What a call with a weight can fail with before it begins.
 *
 * @category models
 * @since 0.1.0
 */
export type Refused = RateLimited | InvalidArgument.InvalidArgument

/**
 * A policy for calls whose answer says what they have used.
 *
 * @category models
 * @since 0.1.0
 */
export interface Measured<in Answer> extends Description.Described {
  <A extends Answer, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | Refused, R>
}

const oneCall: Limits.Cost = { calls: 1, tokens: 0 }

/**
 * Runs an effect as one call.
 *
 * @category passing
 * @since 0.1.0
 */
export const one = (turns: Turns.Turns) => {
  const refuse = (wait: number): RateLimited => turns.refusal(wait)
  return <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | RateLimited, R> => {
    const use = () => self
    return Effect.withFiber((fiber) => turns.enter(fiber, oneCall, use, refuse))
  }
}

/**
 * Runs an effect as a call of this weight.
 *
 * @category passing
 * @since 0.1.0
 */
export const weighed = (turns: Turns.Turns, subject: string, weight: Weight.Weight) => {
  const cost = Weight.toCost(subject, weight, oneCall)
  const refuse = refuser(turns, subject)
  return <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | Refused, R> => {
    if (cost instanceof InvalidArgument.InvalidArgument) return Effect.fail(cost)
    const use = () => self
    return Effect.withFiber((fiber) => turns.enter(fiber, cost, use, refuse(cost)))
  }
}

/**
 * Takes a turn, to be settled by the caller.
 *
 * @category passing
 * @since 0.1.0
 */
export const reserve = (
  turns: Turns.Turns,
  estimate: Weight.Weight
): Effect.Effect<Reservation.Reservation, Refused> => {
  const subject = "RateLimiter.reserve"
  const cost = Weight.toCost(subject, estimate, oneCall)
  if (cost instanceof InvalidArgument.InvalidArgument) return Effect.fail(cost)
  const use = (takenAt: number) => Effect.succeed(Reservation.make(turns, cost, takenAt))
  const refuse = refuser(turns, subject)(cost)
  return Effect.withFiber((fiber) => turns.enter(fiber, cost, use, refuse))
}

/**
 * Takes a turn for as long as an effect runs, and settles it by the answer.
 *
 * @category passing
 * @since 0.1.0
 */
export const reserved = <A, E, R>(
  turns: Turns.Turns,
  subject: string,
  estimate: Weight.Weight,
  use: (reservation: Reservation.Reservation) => Effect.Effect<A, E, R>,
  actualOf: ((answer: A) => Weight.Weight) | undefined
): Effect.Effect<A, E | Refused, R> => {
  const cost = Weight.toCost(subject, estimate, oneCall)
  if (cost instanceof InvalidArgument.InvalidArgument) return Effect.fail(cost)
  const refuse = refuser(turns, subject)(cost)
  return Effect.withFiber((fiber) => {
    let reservation: Reservation.Reservation | undefined
    const begin = (takenAt: number): Effect.Effect<A, E | InvalidArgument.InvalidArgument, R> => {
      reservation = Reservation.make(turns, cost, takenAt)
      const { settle } = reservation
      const answer = Effect.suspend(() => use(reservation!))
      return actualOf === undefined
        ? answer
        : Effect.flatMap(answer, (answer) => Effect.as(settle(actualOf(answer)), answer))
    }
    // the finalizer stands before anything is taken: no interrupt can fall between the two
    return Effect.onExitPrimitive(
      Effect.suspend(() => turns.enter(fiber, cost, begin, refuse)),
      (exit) => reservation !== undefined && Exit.hasInterrupts(exit) ? reservation.cancel : undefined
    )
  })
}

/**
 * Runs an effect as a call of this weight, corrected by what its answer says.
 *
 * @category passing
 * @since 0.1.0
 */
export const answered =
  <Answer>(turns: Turns.Turns, estimate: Weight.Weight, actualOf: (answer: Answer) => Weight.Weight) =>
  <A extends Answer, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | Refused, R> =>
    reserved(turns, "RateLimiter.protectMeasured", estimate, () => self, actualOf)

// what could never pass is the caller's mistake; what could have passed has to wait
const refuser = (turns: Turns.Turns, subject: string) => (cost: Limits.Cost) => (wait: number): Refused =>
  (wait === Infinity ? Weight.excess(subject, cost, turns.limits) : undefined) ?? turns.refusal(wait)
