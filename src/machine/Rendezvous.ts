/**
 * An order of preference of its own for every key, which all who know the same
 * names agree on: the first that can answer does.
 *
 * Names are dealt into a fixed number of clusters by their hashes; a key prefers
 * one cluster, and in it one name. That looks at two hundred numbers where there
 * are ten thousand names, and is plain rendezvous hashing where there are few.
 *
 * Source: D. Thaler and C. Ravishankar, "Using Name-Based Mappings to Increase
 * Hit Rates" (1998), which also has clusters; weights by the logarithm as in
 * J. Schindelhauer and G. Schomaker, "Weighted Distributed Hash Tables" (2005).
 *
 * @since 0.1.0
 */

/**
 * A name and how large its share of the keys is to be, above zero.
 *
 * @category models
 * @since 0.1.0
 */
export interface Site {
  readonly name: string
  readonly weight: number
}

interface Cluster {
  readonly hash: number
  readonly weight: number
  /** Where its members stand in the list of all. */
  readonly members: ReadonlyArray<number>
}

/**
 * The names, hashed and dealt out.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rendezvous {
  readonly clusters: ReadonlyArray<Cluster>
  readonly low: Uint32Array
  readonly high: Uint32Array
  readonly weights: Float64Array
}

// enough that few names share one, few enough to go through
const maxClusters = 128

const mix = (value: number): number => {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const hashOf = (text: string, seed: number): number => {
  let hash = seed
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return mix(hash)
}

// two, as among ten thousand names some pair shares one of 32 bits
const seeds = [0x811c9dc5, 0x9747b28c] as const

/**
 * Deals these out; the order in which they come makes no difference.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (sites: ReadonlyArray<Site>): Rendezvous => {
  const low = Uint32Array.from(sites, ({ name }) => hashOf(name, seeds[0]))
  const high = Uint32Array.from(sites, ({ name }) => hashOf(name, seeds[1]))
  const byCluster = new Map<number, Array<number>>()
  sites.forEach((_, index) => {
    const cluster = high[index]! % maxClusters
    const members = byCluster.get(cluster)
    if (members === undefined) byCluster.set(cluster, [index])
    else members.push(index)
  })
  const clusters = Array.from(byCluster, ([cluster, members]): Cluster => ({
    hash: mix(cluster + 1),
    weight: members.reduce((sum, index) => sum + sites[index]!.weight, 0),
    members
  }))
  return { clusters, low, high, weights: Float64Array.from(sites, ({ weight }) => weight) }
}

// the time at which something with this weight would come up, were it left to chance: the first one wins
const arrival = (hash: number, weight: number): number => -Math.log((hash + 0.5) / 2 ** 32) / weight

const nextAfter = (arrivals: Float64Array, passed: number): number => {
  let best = -1
  for (let index = 0; index < arrivals.length; index++) {
    if (arrivals[index]! > passed && (best < 0 || arrivals[index]! < arrivals[best]!)) best = index
  }
  return best
}

/**
 * The first in the key's order of preference that `accept` takes, by its place in the list, or -1; after `maxLooks` it
 * gives up.
 *
 * @category getters
 * @since 0.1.0
 */
export const find = (
  self: Rendezvous,
  key: string,
  maxLooks: number,
  accept: (index: number) => boolean
): number => {
  const low = hashOf(key, seeds[0])
  const high = hashOf(key, seeds[1])
  const clusters = new Float64Array(self.clusters.length)
  for (let at = 0; at < clusters.length; at++) {
    const { hash, weight } = self.clusters[at]!
    clusters[at] = arrival(mix(low ^ hash), weight)
  }
  let looks = 0
  for (let at = nextAfter(clusters, -1); at >= 0; at = nextAfter(clusters, clusters[at]!)) {
    const { members } = self.clusters[at]!
    const arrivals = new Float64Array(members.length)
    for (let place = 0; place < members.length; place++) {
      const index = members[place]!
      arrivals[place] = arrival(mix(mix(low ^ self.low[index]!) ^ high ^ self.high[index]!), self.weights[index]!)
    }
    for (let place = nextAfter(arrivals, -1); place >= 0; place = nextAfter(arrivals, arrivals[place]!)) {
      if (looks++ >= maxLooks) return -1
      if (accept(members[place]!)) return members[place]!
    }
  }
  return -1
}
