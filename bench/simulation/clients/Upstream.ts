/** How clients without a relay ask an endpoint: in the same world, without HTTP around it. */
import { Luck, SimulatedEndpoint, type SimulatedWorld } from "effect-relay/testing"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export type Verdict = SimulatedWorld.Verdict

export interface Upstream {
  /** Sends a request to an endpoint, by its place, and waits for what comes of it. */
  readonly send: (endpoint: number) => Effect.Effect<Verdict>
  readonly world: SimulatedWorld.SimulatedWorld
  /** Milliseconds since the beginning. */
  readonly now: Effect.Effect<number>
}

/** Virtual time begins at 0. */
const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1_000_000)

export const make = Effect.map(SimulatedEndpoint.World, (world): Upstream => ({
  world,
  now,
  send: (endpoint) =>
    Effect.withFiber((fiber) => {
      const at = Number(fiber.getRef(Clock.Clock).monotonicTimeNanosUnsafe()) / 1_000_000
      const verdict = world.ask(endpoint, fiber.getRef(Luck.Current)!, at)
      if (verdict.kind === "Silence") return Effect.never
      return Effect.as(Effect.sleep(verdict.after), verdict)
    })
}))
