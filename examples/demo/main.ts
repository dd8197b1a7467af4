/**
 * The same requests through the same bad ten seconds, twice: first with a naive client, then through the relay.
 *
 * Three real HTTP servers on loopback play the world; nothing leaves the machine, and no API key is needed.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Random } from "effect"
import { FetchHttpClient } from "effect/http"
import * as Client from "./Client.ts"
import * as NaiveClient from "./NaiveClient.ts"
import * as Primary from "./Primary.ts"
import * as Progress from "./Progress.ts"
import * as RelayClient from "./RelayClient.ts"
import * as Report from "./Report.ts"
import * as Reserve from "./Reserve.ts"
import * as Timeline from "./Timeline.ts"
import * as Trial from "./Trial.ts"
import * as Workload from "./Workload.ts"
import * as World from "./World.ts"

const seconds = (millis: number): string => `${millis / 1_000} s`

const introduction = (workload: ReadonlyArray<Workload.Request>): string => {
  const different = new Set(workload.map(({ prompt }) => prompt)).size
  const { busy, downFrom, slowFrom, span } = Timeline
  return [
    "",
    `  ${workload.length} requests in ${seconds(span)}, ${different} of them different, to three local servers:`,
    "",
    `  primary   ${Primary.requestsPerMinute} requests a minute; silently slow after ${seconds(slowFrom)}, down after ${
      seconds(downFrom)
    }`,
    `  backup    steady; ${busy.length} times it answers 429 with Retry-After for a moment`,
    `  reserve   slower; ${Reserve.slots} calls at once`,
    "",
    `  A caller waits ${seconds(Client.patience)} at most.`,
    ""
  ].join("\n")
}

/** One client's run, in a world of its own. */
const column = Effect.fnUntraced(function*<E, R>(
  workload: ReadonlyArray<Workload.Request>,
  client: (world: World.World) => Effect.Effect<Client.Client, E, R>
) {
  const world = yield* World.make
  const trial = Trial.make(yield* client(world), world)
  yield* Trial.run(trial, workload).pipe(Progress.during(trial), Random.withSeed("caller"))
  return Report.column(trial, yield* trial.client.circuitTrips)
}, Effect.scoped)

const summary = ({ answered, name, requests }: Report.Column): string => `${name} ${answered} of ${requests}`

const program = Effect.gen(function*() {
  const workload = yield* Workload.make
  yield* Console.log(introduction(workload))
  const naive = yield* column(workload, NaiveClient.make)
  const relay = yield* column(workload, RelayClient.make)
  yield* Console.log(`\n${Report.render([naive, relay])}\n`)
  yield* Console.log(`  Answered: ${summary(naive)}, ${summary(relay)}.\n`)
})

NodeRuntime.runMain(program.pipe(Effect.provide(FetchHttpClient.layer)))
