/**
 * Watches the endpoints of a relay: what changes is told to its listeners, and
 * an endpoint whose circuit moves takes note of it.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import type * as Registry from "../endpoint/Registry.ts"
import * as Now from "../policy/Now.ts"
import type * as RelayEvents from "./RelayEvents.ts"

/**
 * What a registry is to call at every change.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (events: RelayEvents.RelayEvents, clock: Clock.Clock): (change: Registry.Change) => void => {
  const unwatch = new Map<string, () => void>()
  return ({ _tag, target, ...signature }) => {
    const endpoint = target.endpoint.id
    events.tell({ _tag: "EndpointChanged", endpoint, change: _tag, ...signature })
    if (_tag === "Removed" || _tag === "Replaced") {
      unwatch.get(endpoint)?.()
      unwatch.delete(endpoint)
    }
    if (_tag === "Added" || _tag === "Replaced") {
      unwatch.set(
        endpoint,
        target.breaker.watchUnsafe(({ because, from, observed, to }) => {
          if (!observed) target.fitness.circuitMoved(to === "Closed", Now.read(clock))
          events.tell({ _tag: "CircuitChanged", endpoint, from, to, ...(because === undefined ? {} : { because }) })
        })
      )
    }
  }
}
