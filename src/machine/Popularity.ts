/**
 * How often keys were asked for of late, also those that nobody keeps: a fingerprint and a count for each.
 *
 * All counts are halved from time to time, so that what was popular once is not so for ever. A key that shares its bucket
 * with more popular ones may be counted too low; it is mistaken for another once in four billion.
 *
 * Source: TinyLFU, Einziger, Friedman, Manes: a highly efficient cache admission policy, ACM ToS 13 (2017), for the halving;
 * the table of fingerprints instead of a sketch is an addition, because it forgets first what was asked for once.
 *
 * @since 0.1.0
 */

/**
 * The table, kept in place. A slot whose count is zero is free.
 *
 * @category models
 * @since 0.1.0
 */
export interface Popularity {
  readonly prints: Int32Array
  readonly counts: Uint8Array
  readonly mask: number
  /** After so many counts all of them are halved. */
  readonly period: number
  counted: number
}

const most = 15
const ways = 4
const slotsPerEntry = 16
const maxSlots = 2 ** 22
const countsPerEntry = 30

/**
 * A table for a cache of so many entries, which takes 80 to 160 bytes for each, and 20 MiB at most.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (entries: number): Popularity => {
  const slots = Math.min(maxSlots, 2 ** Math.ceil(Math.log2(Math.max(256, slotsPerEntry * entries))))
  return {
    prints: new Int32Array(slots),
    counts: new Uint8Array(slots),
    mask: slots / ways - 1,
    period: countsPerEntry * entries,
    counted: 0
  }
}

/**
 * The fingerprint of a key: FNV-1a and the last step of MurmurHash3, so that its low bits are as good as the others.
 *
 * @category calculations
 * @since 0.1.0
 */
export const print = (key: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/**
 * How often a key was asked for of late, from 0 to 15.
 *
 * @category getters
 * @since 0.1.0
 */
export const of = ({ counts, mask, prints }: Popularity, print: number): number => {
  const first = (print & mask) * ways
  for (let slot = first; slot < first + ways; slot++) {
    if (prints[slot] === print && counts[slot]! > 0) return counts[slot]!
  }
  return 0
}

const halve = (self: Popularity): void => {
  const { counts } = self
  for (let slot = 0; slot < counts.length; slot++) counts[slot] = counts[slot]! >>> 1
  self.counted = 0
}

/**
 * Counts that a key was asked for.
 *
 * @category transitions
 * @since 0.1.0
 */
export const count = (self: Popularity, print: number): void => {
  const { counts, mask, prints } = self
  const first = (print & mask) * ways
  let least = first
  if (self.counted >= self.period) halve(self)
  self.counted++
  for (let slot = first; slot < first + ways; slot++) {
    if (prints[slot] === print && counts[slot]! > 0) {
      if (counts[slot]! < most) counts[slot]!++
      return
    }
    if (counts[slot]! < counts[least]!) least = slot
  }
  prints[least] = print
  counts[least] = 1
}

/**
 * Forgets everything.
 *
 * @category transitions
 * @since 0.1.0
 */
export const clear = (self: Popularity): void => {
  self.counts.fill(0)
  self.counted = 0
}
