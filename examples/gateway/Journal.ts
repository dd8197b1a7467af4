/** What an operator wants to see: calls that failed, and circuits that opened or closed. One line each, no prompts. */
import { Console, Effect, Layer, Stream } from "effect"
import { type RelayEvent, RelayService } from "effect-relay"

const lineOf = (event: RelayEvent.RelayEvent): string | undefined => {
  const time = new Date(event.at).toISOString()
  switch (event._tag) {
    case "CallFailed": {
      const trail = event.attempts.map(({ endpoint, outcome }) => `${endpoint} ${outcome}`).join(", ")
      return `${time} failed with ${event.failure}: ${trail === "" ? "nobody was asked" : trail}`
    }
    case "CircuitChanged":
      return `${time} ${event.endpoint}: circuit ${event.to.toLowerCase()}`
    default:
      return undefined
  }
}

const write = (event: RelayEvent.RelayEvent): Effect.Effect<void> => {
  const line = lineOf(event)
  return line === undefined ? Effect.void : Console.error(line)
}

/** Writes to standard error for as long as the gateway runs. */
export const layer: Layer.Layer<never, never, RelayService.RelayService> = Layer.effectDiscard(
  Effect.flatMap(
    RelayService.RelayService,
    ({ events }) => Effect.forkScoped(Stream.runForEach(events, write), { startImmediately: true })
  )
)
