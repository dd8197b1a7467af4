/** Lives through a day with one client. */
import { Timeout } from "effect-relay"
import { SimulatedEndpoint, Traffic, VirtualTime } from "effect-relay/testing"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Client from "./Client.ts"
import * as Recorder from "./Recorder.ts"
import * as Scenario from "./Scenario.ts"

export interface Day {
  readonly recorder: Recorder.Recorder
  readonly figures: Recorder.Figures
}

/** Virtual time begins at 0. */
const nowOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000

/** A caller: asks, waits for as long as a caller does, and notes what came of it. */
const caller =
  (client: Client.Client, recorder: Recorder.Recorder, patience: Timeout.Timeout) =>
  (request: Traffic.Request): Effect.Effect<void> =>
    Effect.withFiber((fiber) => {
      const clock = fiber.getRef(Clock.Clock)
      const beganAt = nowOf(clock)
      return patience.protect(client.ask(request)).pipe(
        Effect.catch(() => Effect.succeed<Client.Outcome>("Failed")),
        Effect.map((outcome) => Recorder.end(recorder, request.number, outcome, nowOf(clock) - beganAt))
      )
    })

/** Notes once a minute how things are. */
const watch = (client: Client.Client, recorder: Recorder.Recorder, onMinute: (minute: number) => void) =>
  Effect.gen(function*() {
    const world = yield* SimulatedEndpoint.World
    for (let minute = 1; minute <= Recorder.minutesOfDay; minute++) {
      yield* Effect.sleep(recorder.minute)
      const states = client.states === undefined ? [] : yield* client.states
      recorder.minutes.push({ tallies: world.tallies(), states })
      onMinute(minute)
    }
  })

/** `onMinute` is told of each minute that has passed. */
export const live = (
  scenario: Scenario.Scenario,
  make: Client.Make,
  onMinute: (minute: number) => void = () => {}
): Effect.Effect<Day, unknown> => {
  const traffic = Scenario.trafficOf(scenario)
  const recorder = Recorder.make(traffic.times, Scenario.hours(scenario, 1 / 60))
  const program = Effect.gen(function*() {
    const client = yield* make(scenario)
    const patience = yield* Timeout.make({ duration: Scenario.patience })
    const watcher = yield* Effect.forkChild(watch(client, recorder, onMinute), { startImmediately: true })
    yield* Traffic.play(traffic, caller(client, recorder, patience))
    yield* Fiber.join(watcher)
    const world = yield* SimulatedEndpoint.World
    return { recorder, figures: Recorder.figures(recorder, world.tallies()) }
  })
  return program.pipe(
    Effect.provide(SimulatedEndpoint.layer(Scenario.endpointsOf(scenario), { seed: scenario.seed + 4 })),
    Effect.scoped,
    (day) => VirtualTime.run(day, { seed: scenario.seed, promises: false })
  )
}
