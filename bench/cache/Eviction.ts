/** Policies of eviction, to compare: each as its authors describe it, as small as it goes. */
import { random } from "./Workload.ts"

/** What a policy does: says since when it has something, which counts as a use, and keeps what comes. */
export interface Eviction {
  readonly use: (key: number) => number | undefined
  readonly keep: (key: number, at: number) => void
}

export type Make = (capacity: number) => Eviction

interface Node {
  readonly key: number
  at: number
  uses: number
  queue: Queue
  older: Node | undefined
  newer: Node | undefined
}

/** A list from the oldest to the newest, out of which anything can go. */
class Queue {
  oldest: Node | undefined
  newest: Node | undefined
  size = 0

  push(node: Node): void {
    node.queue = this
    node.older = this.newest
    node.newer = undefined
    if (this.newest === undefined) this.oldest = node
    else this.newest.newer = node
    this.newest = node
    this.size++
  }

  drop({ newer, older }: Node): void {
    if (older === undefined) this.oldest = newer
    else older.newer = newer
    if (newer === undefined) this.newest = older
    else newer.older = older
    this.size--
  }

  move(node: Node): void {
    node.queue.drop(node)
    this.push(node)
  }
}

const nodeOf = (key: number, at: number, queue: Queue): Node => {
  const node: Node = { key, at, uses: 0, queue, older: undefined, newer: undefined }
  queue.push(node)
  return node
}

/** Writes anew what is there, and makes room for what is not. */
const keeping = (nodes: Map<number, Node>, capacity: number, makeRoom: () => Node, enter: Eviction["keep"]) =>
(
  key: number,
  at: number
): void => {
  const known = nodes.get(key)
  if (known !== undefined) {
    known.at = at
    return
  }
  if (nodes.size >= capacity) {
    const victim = makeRoom()
    victim.queue.drop(victim)
    nodes.delete(victim.key)
  }
  enter(key, at)
}

/** Out goes what came first. */
export const fifo: Make = (capacity) => {
  const nodes = new Map<number, Node>()
  const queue = new Queue()
  return {
    use: (key) => nodes.get(key)?.at,
    keep: keeping(nodes, capacity, () => queue.oldest!, (key, at) => nodes.set(key, nodeOf(key, at, queue)))
  }
}

/** Out goes what was unused for longest. */
export const lru: Make = (capacity) => {
  const nodes = new Map<number, Node>()
  const queue = new Queue()
  return {
    use: (key) => {
      const node = nodes.get(key)
      if (node !== undefined) queue.move(node)
      return node?.at
    },
    keep: keeping(nodes, capacity, () => queue.oldest!, (key, at) => nodes.set(key, nodeOf(key, at, queue)))
  }
}

/** A hand goes from old to new, spares what was used and forgets that it was. Zhang and others, NSDI '24. */
export const sieve: Make = (capacity) => {
  const nodes = new Map<number, Node>()
  const queue = new Queue()
  let hand: Node | undefined
  const makeRoom = (): Node => {
    let node = hand ?? queue.oldest!
    while (node.uses > 0) {
      node.uses = 0
      node = node.newer ?? queue.oldest!
    }
    hand = node.newer
    return node
  }
  return {
    use: (key) => {
      const node = nodes.get(key)
      if (node !== undefined) node.uses = 1
      return node?.at
    },
    keep: keeping(nodes, capacity, makeRoom, (key, at) => nodes.set(key, nodeOf(key, at, queue)))
  }
}

/** Three queues: a small one, a main one, and the names of what the small one threw out. Yang and others, SOSP '23. */
export const s3fifo: Make = (capacity) => {
  const nodes = new Map<number, Node>()
  const small = new Queue()
  const main = new Queue()
  const ghost = new Map<number, number>()
  const ghosts = Math.ceil(capacity * 0.9)
  let thrown = 0
  const makeRoom = (): Node => {
    while (small.size >= capacity * 0.1 || main.size === 0) {
      const node = small.oldest
      if (node === undefined) break
      if (node.uses > 1) {
        node.uses = 0
        main.move(node)
      } else {
        ghost.set(node.key, ++thrown)
        return node
      }
    }
    while (main.oldest!.uses > 0) {
      main.oldest!.uses--
      main.move(main.oldest!)
    }
    return main.oldest!
  }
  const enter = (key: number, at: number): void => {
    const wasThrown = ghost.get(key) ?? -Infinity
    ghost.delete(key)
    nodes.set(key, nodeOf(key, at, thrown - wasThrown < ghosts ? main : small))
  }
  return {
    use: (key) => {
      const node = nodes.get(key)
      if (node !== undefined) node.uses = Math.min(3, node.uses + 1)
      return node?.at
    },
    keep: keeping(nodes, capacity, makeRoom, enter)
  }
}

/** Counts of four bits, four for each key, of which the least holds; all are halved after a time. */
const sketch = (capacity: number) => {
  const width = 2 ** Math.ceil(Math.log2(capacity * 4))
  const counts = new Uint8Array(width * 4)
  const draw = random(1)
  const seeds = Array.from({ length: 4 }, () => Math.floor(draw() * 2 ** 31) * 2 + 1)
  const slotOf = (key: number, row: number): number => {
    const hash = Math.imul(key ^ (key >>> 15), seeds[row]!)
    return row * width + ((hash ^ (hash >>> 13)) & (width - 1))
  }
  let counted = 0
  return {
    count: (key: number): void => {
      for (let row = 0; row < 4; row++) {
        const slot = slotOf(key, row)
        if (counts[slot]! < 15) counts[slot]!++
      }
      if (++counted < capacity * 10) return
      counted = 0
      for (let slot = 0; slot < counts.length; slot++) counts[slot] = counts[slot]! >>> 1
    },
    of: (key: number): number => {
      let least = 15
      for (let row = 0; row < 4; row++) least = Math.min(least, counts[slotOf(key, row)]!)
      return least
    }
  }
}

/**
 * A hundredth by last use; beyond that, who is asked for more often than whoever is next to leave, into a part on trial and
 * from there into one that is safe. Einziger and others, ToS 2017, with the numbers of Caffeine.
 */
export const tinyLfu: Make = (capacity) => {
  const nodes = new Map<number, Node>()
  const fresh = new Queue()
  const trial = new Queue()
  const safe = new Queue()
  const popularity = sketch(capacity)
  const freshSize = Math.max(1, Math.floor(capacity * 0.01))
  const safeSize = Math.floor((capacity - freshSize) * 0.8)
  const settle = (): void => {
    // what is there is fewer than all: whoever leaves the first part need not be compared
    while (fresh.size > freshSize && nodes.size < capacity) trial.move(fresh.oldest!)
  }
  const makeRoom = (): Node => {
    const candidate = fresh.oldest!
    const victim = trial.oldest ?? safe.oldest
    if (fresh.size < freshSize && victim !== undefined) return victim
    if (victim === undefined || popularity.of(candidate.key) <= popularity.of(victim.key)) return candidate
    trial.move(candidate)
    return victim
  }
  return {
    use: (key) => {
      popularity.count(key)
      const node = nodes.get(key)
      if (node === undefined) return undefined
      if (node.queue === fresh) fresh.move(node)
      else safe.move(node)
      if (safe.size > safeSize) trial.move(safe.oldest!)
      return node.at
    },
    keep: keeping(nodes, capacity, makeRoom, (key, at) => {
      nodes.set(key, nodeOf(key, at, fresh))
      settle()
    })
  }
}
