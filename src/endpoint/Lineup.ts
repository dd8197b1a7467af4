/**
 * Who can be asked for what: the endpoints of a relay by tier, model and needs.
 *
 * What was found is kept until the set changes, so that a call looks it up and
 * goes through no list.
 *
 * @since 0.1.0
 */
import * as Capabilities from "./Capabilities.ts"
import * as Endpoint from "./Endpoint.ts"
import type { GuardedEndpoint } from "./GuardedEndpoint.ts"
import * as Peers from "./Peers.ts"

/**
 * Candidates of one tier.
 *
 * @category models
 * @since 0.1.0
 */
export type Tier = ReadonlyArray<GuardedEndpoint>

/**
 * The endpoints of a relay in their order.
 *
 * @category models
 * @since 0.1.0
 */
export interface Lineup {
  /** The set has changed. */
  readonly clear: () => void
  readonly candidates: (model: string | null | undefined, needs: Capabilities.Needs) => ReadonlyArray<Tier>
}

/**
 * Whether an endpoint serves a model. A call without one is somebody's own
 * operation: any endpoint will do; a request that names none, `null`, needs one
 * with a URL.
 *
 * @category guards
 * @since 0.1.0
 */
export const serves = (endpoint: Endpoint.Endpoint, model: string | null | undefined): boolean =>
  model === undefined ||
  (endpoint.baseUrl !== undefined && (model === null || Endpoint.wireModel(endpoint, model) !== undefined))

// model names come from callers: the index forgets rather than grows
const maxIndexed = 1_000

const byTier = (targets: Iterable<GuardedEndpoint>): Map<number, Array<GuardedEndpoint>> => {
  const tiers = new Map<number, Array<GuardedEndpoint>>()
  for (const target of targets) {
    const tier = tiers.get(target.endpoint.tier)
    if (tier === undefined) tiers.set(target.endpoint.tier, [target])
    else tier.push(target)
  }
  return tiers
}

/** The sizes of context windows that are told apart, from the smallest. */
const windowsOf = (targets: Iterable<GuardedEndpoint>): ReadonlyArray<number> => {
  const windows = new Set<number>()
  for (const { endpoint: { capabilities: { byModel, usual } } } of targets) {
    windows.add(usual.window)
    for (const { window } of byModel.values()) windows.add(window)
  }
  windows.delete(Infinity)
  return Array.from(windows).sort((a, b) => a - b)
}

/** How many windows are too small. */
const tooSmall = (windows: ReadonlyArray<number>, tokens: number): number => {
  let low = 0
  let high = windows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (windows[middle]! < tokens) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * The lineup of these, which are looked at again whenever it is cleared.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (targets: () => Iterable<GuardedEndpoint>, rules: Peers.Rules): Lineup => {
  const index = new Map<string | null | undefined, Map<number, ReadonlyArray<Tier>>>()
  const peers = new Map<number, Peers.Peers>()
  let windows: ReadonlyArray<number> | undefined
  let indexed = 0

  // who has left goes on being counted with those of before, and bothers nobody
  const count = (): ReadonlyArray<number> => {
    const present = Array.from(targets()).filter(({ isDraining }) => !isDraining)
    const tiers = byTier(present)
    for (const tier of peers.keys()) if (!tiers.has(tier)) peers.delete(tier)
    for (const [tier, members] of tiers) {
      const known = members.flatMap(({ fitness: { peer } }) => peer === undefined ? [] : [peer])
      const together = new Peers.Peers(rules, members.length, known, peers.get(tier))
      peers.set(tier, together)
      for (const member of members) member.fitness.join(together)
    }
    return windowsOf(present)
  }

  const find = (model: string | null | undefined, needs: Capabilities.Needs): ReadonlyArray<Tier> => {
    const able: Array<GuardedEndpoint> = []
    for (const target of targets()) {
      const { endpoint, isDraining } = target
      if (isDraining || !serves(endpoint, model)) continue
      if (Capabilities.suffices(Capabilities.offerOf(endpoint.capabilities, model ?? undefined), needs)) {
        able.push(target)
      }
    }
    return Array.from(byTier(able)).toSorted(([a], [b]) => a - b).map(([, tier]) => tier)
  }

  return {
    clear: () => {
      index.clear()
      indexed = 0
      windows = undefined
    },
    candidates: (model, needs) => {
      windows ??= count()
      // what needs the same and fits into the same windows has the same candidates
      const kind = needs.bits + Capabilities.kinds * tooSmall(windows, needs.tokens)
      const known = index.get(model)?.get(kind)
      if (known !== undefined) return known
      const tiers = find(model, needs)
      if (indexed >= maxIndexed) {
        index.clear()
        indexed = 0
      }
      const kinds = index.get(model) ?? new Map<number, ReadonlyArray<Tier>>()
      index.set(model, kinds.set(kind, tiers))
      indexed++
      return tiers
    }
  }
}
