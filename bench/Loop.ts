/** Makes so many calls, one after the other; what it resolves with are the nanoseconds of each, where it took them. */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Case from "./Case.ts"

export type Loop = (calls: number) => Promise<Float64Array | void>

/** How a subject does the cases that it can do. */
export type Loops = { readonly [Name in Case.Name]?: () => Promise<Loop> | Loop }

const whileLoop = <A>(calls: number, body: () => Effect.Effect<A, unknown>, step: (value: A) => void): Promise<void> =>
  Effect.runPromise(Effect.suspend(() => {
    let left = calls
    return Effect.whileLoop({
      while: () => left > 0,
      body,
      step: (value) => {
        left--
        step(value)
      }
    })
  }))

/** Calls inside one running fiber; the effect of each call is built anew, as it is where a call has arguments. */
export const ofEffect = (body: () => Effect.Effect<unknown, unknown>): Loop => (calls) =>
  whileLoop(calls, body, () => {})

const mustFail = (exit: Exit.Exit<unknown, unknown>): void => {
  if (exit._tag === "Success") throw new Error("a call succeeded that has to fail")
}

/** As `ofEffect`, for calls that all fail. */
export const ofFailure = (body: () => Effect.Effect<unknown, unknown>): Loop => (calls) =>
  whileLoop(calls, () => Effect.exit(body()), mustFail)

/** As `ofEffect`, with the time of each call. */
export const timed = (body: () => Effect.Effect<unknown, unknown>): Loop => async (calls) => {
  const times = new Float64Array(calls)
  let index = 0
  let before = 0n
  await whileLoop(
    calls,
    () => {
      before = process.hrtime.bigint()
      return body()
    },
    () => {
      times[index++] = Number(process.hrtime.bigint() - before)
    }
  )
  return times
}

/** Calls awaited one by one. */
export const ofPromise = (body: () => Promise<unknown>): Loop => async (calls) => {
  for (let call = 0; call < calls; call++) await body()
}

/** As `ofPromise`, for calls that all reject. */
export const ofRejection = (body: () => Promise<unknown>): Loop => async (calls) => {
  let rejected = 0
  for (let call = 0; call < calls; call++) {
    try {
      await body()
    } catch {
      rejected++
    }
  }
  if (rejected !== calls) throw new Error("a call succeeded that has to fail")
}

/** Calls a function. */
export const ofFunction = (body: () => unknown): Loop => async (calls) => {
  for (let call = 0; call < calls; call++) {
    if (body() === undefined) throw new Error("a call returned nothing")
  }
}
