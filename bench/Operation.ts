/** The operations that the policies stand around; each library gets the same. */
import * as Effect from "effect/Effect"

export const answer = async (): Promise<number> => 1

export const down = new Error("down")

// oxlint-disable-next-line require-await -- it has to be a promise that rejects
export const breakDown = async (): Promise<number> => {
  throw down
}

export const value: Effect.Effect<number> = Effect.succeed(1)

/** Built at each call, as it would be with an argument. */
export const promise = (): Effect.Effect<number> => Effect.promise(answer)

const failed = Effect.fail(down)

export const failure = (): Effect.Effect<never, Error> => Effect.flatMap(promise(), () => failed)
