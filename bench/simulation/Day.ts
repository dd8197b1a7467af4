/** Lives through a setting with one client. */
import { Timeout } from "effect-relay"
import { SimulatedEndpoint, Traffic, VirtualTime } from "effect-relay/testing"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Client from "./Client.ts"
import * as Recorder from "./Recorder.ts"
import type * as Setting from "./Setting.ts"

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

/** Takes notes of how things are. */
const watch = (client: Client.Client, recorder: Recorder.Recorder, onNote: (share: number) => void) =>
  Effect.gen(function*() {
    const world = yield* SimulatedEndpoint.World
    const { every, notes } = recorder.setting
    for (let note = 1; note <= notes; note++) {
      yield* Effect.sleep(every)
      const states = client.states === undefined ? [] : yield* client.states
      recorder.notes.push({ tallies: world.tallies(), states })
      onNote(note / notes)
    }
  })

/** Puts the wall clock forward and back. */
const shiftClock = ({ shifts }: Setting.Setting) =>
  Effect.flatMap(
    VirtualTime.VirtualTime,
    ({ shiftWallClock }) =>
      Effect.forEach(shifts, ({ at, by }) => Effect.delay(shiftWallClock(by), at), {
        concurrency: "unbounded",
        discard: true
      })
  )

/** `onNote` is told of the share of time that has passed. */
export const live = (
  setting: Setting.Setting,
  make: Client.Make,
  onNote: (share: number) => void = () => {}
): Effect.Effect<Day, unknown> => {
  const recorder = Recorder.make(setting)
  const program = Effect.gen(function*() {
    const client = yield* make(setting)
    const patience = yield* Timeout.make({ duration: setting.patience })
    const watcher = yield* Effect.forkChild(watch(client, recorder, onNote), { startImmediately: true })
    yield* Effect.forkChild(shiftClock(setting), { startImmediately: true })
    yield* Traffic.play(setting.traffic, caller(client, recorder, patience))
    yield* Fiber.join(watcher)
    const world = yield* SimulatedEndpoint.World
    return { recorder, figures: Recorder.figures(recorder, world.tallies()) }
  })
  return program.pipe(
    Effect.provide(SimulatedEndpoint.layer(setting.endpoints, { seed: setting.seed + 4 })),
    Effect.scoped,
    (day) => VirtualTime.run(day, { seed: setting.seed, promises: false })
  )
}
