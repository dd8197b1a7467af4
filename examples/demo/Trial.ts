/** One client's run through the workload, with every outcome on record. */
import { Clock, Effect, Exit, Option, Result } from "effect"
import type * as Client from "./Client.ts"
import * as Reply from "./Reply.ts"
import type * as Workload from "./Workload.ts"
import type * as World from "./World.ts"

export interface Outcome {
  /** How long the caller waited, in milliseconds. */
  readonly latency: number
  /** Who answered, or the tag of the failure. */
  readonly result: Result.Result<string, string>
}

export interface Trial {
  readonly client: Client.Client
  readonly world: World.World
  sent: number
  readonly outcomes: Array<Outcome>
}

export const make = (client: Client.Client, world: World.World): Trial => ({ client, world, sent: 0, outcomes: [] })

const judge = (
  exit: Exit.Exit<Client.Answer, { readonly _tag: string }>,
  prompt: string
): Result.Result<string, string> => {
  if (Exit.isSuccess(exit)) {
    return exit.value.text === Reply.textFor(prompt) ? Result.succeed(exit.value.from) : Result.fail("WrongAnswer")
  }
  return Result.fail(Option.match(Exit.findErrorOption(exit), { onNone: () => "Defect", onSome: ({ _tag }) => _tag }))
}

const ask = Effect.fnUntraced(function*(trial: Trial, prompt: string) {
  const start = yield* Clock.monotonicTimeNanos
  trial.sent++
  const exit = yield* Effect.exit(trial.client.send(prompt))
  const latency = Number((yield* Clock.monotonicTimeNanos) - start) / 1e6
  trial.outcomes.push({ latency, result: judge(exit, prompt) })
})

export const run = (trial: Trial, workload: ReadonlyArray<Workload.Request>): Effect.Effect<void> =>
  Effect.andThen(
    trial.world.timeline.begin,
    Effect.forEach(workload, ({ at, prompt }) => Effect.delay(ask(trial, prompt), at), {
      concurrency: "unbounded",
      discard: true
    })
  )
