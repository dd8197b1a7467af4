/** Makes so many calls, one after the other; what it resolves with are the nanoseconds of each, where it took them. */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Answer from "./Answer.ts"
import type * as Case from "./Case.ts"

export interface Loop {
  (calls: number): Promise<Float64Array | void>
  /** It is not asked for fewer; 100 where nothing is said. */
  readonly least?: number
}

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

/** Reads an answer of so many chunks, and calls this at each text that it has. */
export type Read = (chunks: number, onText: (text: string) => void) => Effect.Effect<unknown, unknown>

const counted = (read: Read, chunks: number, onFirst: () => void): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    // what a relay keeps back for a moment comes out as one text
    let came = 0
    const onText = (text: string): void => {
      if (came === 0) onFirst()
      came += text.length
    }
    return Effect.map(read(chunks, onText), () => {
      const whole = chunks * Answer.text.length
      if (came !== whole) throw new Error(`${came} characters came instead of ${whole}`)
    })
  })

/** As `timed`, with the time up to the first chunk of each answer; the rest of it is read as well. */
export const ofFirstChunks = (read: Read, chunks: number): Loop => async (calls) => {
  const times = new Float64Array(calls)
  let index = 0
  const body = (): Effect.Effect<void, unknown> => {
    const before = process.hrtime.bigint()
    return counted(read, chunks, () => {
      times[index++] = Number(process.hrtime.bigint() - before)
    })
  }
  await whileLoop(calls, body, () => {})
  return times
}

// what a request costs is spread over so many chunks or more
const longAnswer = 1000

/** A call is a chunk, of answers of a thousand or some more; the times are those of answers, by the chunk. */
export const ofChunks = (read: Read): Loop =>
  Object.assign(async (chunks: number) => {
    const answers = Math.max(1, Math.floor(chunks / longAnswer))
    const times = new Float64Array(answers)
    let left = chunks
    let index = 0
    const body = (): Effect.Effect<void, unknown> => {
      const size = Math.ceil(left / (answers - index))
      const before = process.hrtime.bigint()
      return Effect.map(counted(read, size, () => {}), () => {
        left -= size
        times[index++] = Number(process.hrtime.bigint() - before) / size
      })
    }
    await whileLoop(answers, body, () => {})
    return times
  }, { least: longAnswer })

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
