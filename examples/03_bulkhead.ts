/**
 * Bulkhead: a bound on how many calls run at once, and on how many may wait.
 *
 * Two calls run, one waits for its turn, and whatever comes beyond that is refused at once: a slow service cannot take
 * every fiber of the program with it.
 */
import { Console, Effect, Fiber } from "effect"
import { Bulkhead } from "effect-relay"

let running = 0
let mostAtOnce = 0

const slowReport = (name: string) =>
  Effect.gen(function*() {
    running++
    mostAtOnce = Math.max(mostAtOnce, running)
    yield* Effect.sleep("200 millis")
    running--
    return `${name} is done`
  })

const program = Effect.gen(function*() {
  const bulkhead = yield* Bulkhead.make({ maxConcurrent: 2, maxQueued: 1, maxWait: "1 second" })

  // BulkheadFull is the one failure that the bulkhead adds; its message has the numbers
  const report = (name: string) =>
    slowReport(name).pipe(
      bulkhead.protect,
      Effect.catchTag("BulkheadFull", (full) => Effect.succeed(`${name} is refused: ${full.message}`)),
      Effect.tap(Console.log)
    )

  const reports = Effect.forEach(["A", "B", "C", "D"], report, { concurrency: "unbounded" })
  const fiber = yield* Effect.forkChild(reports, { startImmediately: true })
  yield* Effect.sleep("50 millis")
  const now = yield* bulkhead.state
  yield* Console.log(`meanwhile: ${now.running} running, ${now.queued} waiting`)
  yield* Fiber.join(fiber)

  const after = yield* bulkhead.state
  yield* Console.log(`afterwards: ${after.running} running, ${after.queued} waiting`)
  yield* Console.log(
    `Lesson: never more than ${mostAtOnce} ran at once, and the one call too many did not wait to hear it.`
  )
})

await Effect.runPromise(program)
