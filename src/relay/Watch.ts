/**
 * Watches the endpoints of a relay: what changes is told to its listeners, and
 * an endpoint whose circuit moves takes note of it.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import type * as Registry from "../endpoint/Registry.ts"
import type * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as Now from "../policy/Now.ts"
import type * as RelayEvents from "./RelayEvents.ts"

/**
 * What a registry is to call at every change; `find` is the registry's.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  events: RelayEvents.RelayEvents,
  clock: Clock.Clock,
  find: Registry.Registry["find"]
): (change: Registry.Change) => void => {
  // one for all endpoints: ten thousand of them would hold as many
  const listener = ({ because, from, key, observed, to }: CircuitBreaker.Transition): void => {
    if (!observed) find(key)?.fitness.circuitMoved(to === "Closed", Now.read(clock))
    events.tell({ _tag: "CircuitChanged", endpoint: key, from, to, ...(because === undefined ? {} : { because }) })
  }
  return ({ _tag, previous, target, ...signature }) => {
    events.tell({ _tag: "EndpointChanged", endpoint: target.endpoint.id, change: _tag, ...signature })
    previous?.breaker.unwatchUnsafe(listener)
    if (_tag === "Removed") target.breaker.unwatchUnsafe(listener)
    if (_tag === "Added" || _tag === "Replaced") target.breaker.watchUnsafe(listener)
  }
}
