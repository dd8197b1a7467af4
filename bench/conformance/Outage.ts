/** A primary that is down for a while, under a request now and then. */
import { Effect, Fiber } from "effect"
import * as Canon from "./Canon.ts"
import type * as Client from "./Client.ts"
import type * as Fault from "./Fault.ts"
import * as Verdict from "./Verdict.ts"

type Outcome = "whole" | "partial" | "refused" | "hung"

const askOnce = (ask: Client.Ask, model: string, patience: number): Effect.Effect<Outcome> =>
  ask(model).pipe(
    Effect.map(({ text }): Outcome => text === Canon.text ? "whole" : "partial"),
    Effect.catchTag("Refusal", () => Effect.succeed<Outcome>("refused")),
    Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed<Outcome>("hung") })
  )

/**
 * Rescued is a caller that had every answer, and the primary back in time. A client that asks a server that is down
 * more than every other time does not ask sparingly.
 */
export const meet = Effect.fnUntraced(function*(ask: Client.Ask, fault: Fault.Fault, world: Client.World) {
  const { profile } = world
  const began = performance.now()
  const fibers: Array<Fiber.Fiber<Outcome>> = []
  const atPrimary = () => world.primary.seen(fault.model)
  const isBack = () => atPrimary().some(({ isAnswered }) => isAnswered)
  const recoversAt = () => (atPrimary()[0]?.at ?? began) + profile.outage
  while (!isBack() && performance.now() < recoversAt() + profile.reuse) {
    fibers.push(yield* Effect.forkChild(askOnce(ask, fault.model, profile.patience), { startImmediately: true }))
    yield* Effect.sleep(profile.every)
  }
  const outcomes = yield* Effect.forEach(fibers, Fiber.join)
  const asksWhileDown = Math.ceil(profile.outage / profile.every)
  const probes = atPrimary().filter(({ at }) => at < recoversAt()).length
  return Verdict.make({
    isRescued: outcomes.every((outcome) => outcome === "whole") && isBack() && probes <= asksWhileDown / 2,
    isPartial: outcomes.includes("partial"),
    isOrderly: !outcomes.includes("hung") && isBack()
  }, {
    attempts: atPrimary().length + world.backup.seen(fault.model).length,
    ms: performance.now() - began
  })
})
