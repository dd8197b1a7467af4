/** Shows how a trial goes: one line kept up to date on a terminal, a plain line now and then elsewhere. */
import { Effect, Result } from "effect"
import * as Timeline from "./Timeline.ts"
import type * as Trial from "./Trial.ts"

const terminal = process.stdout.isTTY

const line = (trial: Trial.Trial, elapsed: number): string => {
  const answered = trial.outcomes.filter(({ result }) => Result.isSuccess(result)).length
  const failed = trial.outcomes.length - answered
  return [
    `  ${trial.client.name}`,
    `${(elapsed / 1_000).toFixed(1).padStart(4)} s`,
    `primary ${Timeline.phaseAt(elapsed).padEnd(7)}`,
    `sent ${String(trial.sent).padStart(3)}`,
    `answered ${String(answered).padStart(3)}`,
    `failed ${String(failed).padStart(3)}`
  ].join("   ")
}

const print = (trial: Trial.Trial, ending: string) =>
  Effect.map(trial.world.timeline.elapsed, (elapsed) => {
    const text = line(trial, elapsed)
    process.stdout.write(terminal ? `\r\x1b[2K${text}${ending}` : `${text}\n`)
  })

/** Runs `self` and tells about `trial` meanwhile and at its end. */
export const during = (trial: Trial.Trial) => <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.raceFirst(
    self,
    Effect.forever(Effect.delay(print(trial, ""), terminal ? "100 millis" : "2 seconds"))
  ).pipe(Effect.ensuring(print(trial, "\n")))
