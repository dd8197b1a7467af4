/**
 * Who of a group is held to be worse than the others, for how long, and how many at most.
 *
 * A demotion ends by itself, and lasts longer the more often it came. Too many
 * at once would leave too few, so there is a cap; and when too few are usable
 * for whatever reason, none counts.
 *
 * Source: ejection time, `max_ejection_percent` and panic threshold as in Envoy.
 *
 * @since 0.1.0
 */

/**
 * How long and how many.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  /** Milliseconds of the first demotion; the n-th lasts n times that, and at most ten times. */
  readonly lasts: number
  /** The share of the group that can be demoted at once, rounded down. */
  readonly maxShare: number
  /** No demotion counts while a smaller share than this is usable. */
  readonly panicBelow: number
}

/**
 * One member. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Place {
  /** When it was last demoted; what began before says nothing of it any more. */
  since: number
  /** When that ends. */
  until: number
  /** How often in a row. */
  times: number
  /** Whether it cannot be used for another reason. */
  isDown: boolean
}

/**
 * The members counted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Group {
  readonly size: number
  /** Demoted, down, or both. */
  unusable: number
  readonly demoted: Set<Place>
  /** When the first of them comes back. */
  nextEnd: number
}

// the longest demotion, in first ones; as long after the last one a member has a clean slate
const longest = 10

/**
 * A member that nothing is held against.
 *
 * @category constructors
 * @since 0.1.0
 */
export const place = (): Place => ({ since: -Infinity, until: -Infinity, times: 0, isDown: false })

/**
 * A group of so many, of which these may be demoted or down.
 *
 * @category constructors
 * @since 0.1.0
 */
export const group = (size: number, places: Iterable<Place>): Group => {
  const self: Group = { size, unusable: 0, demoted: new Set(), nextEnd: Infinity }
  for (const place of places) {
    const wasDemoted = place.until > -Infinity
    if (wasDemoted || place.isDown) self.unusable++
    if (!wasDemoted) continue
    // those whose time is over leave with the next look
    self.demoted.add(place)
    self.nextEnd = Math.min(self.nextEnd, place.until)
  }
  return self
}

const release = (self: Group, now: number): void => {
  if (now < self.nextEnd) return
  self.nextEnd = Infinity
  for (const place of self.demoted) {
    if (place.until > now) {
      self.nextEnd = Math.min(self.nextEnd, place.until)
      continue
    }
    self.demoted.delete(place)
    if (!place.isDown) self.unusable--
  }
}

/**
 * Demotes a member, unless too many are demoted already.
 *
 * @category transitions
 * @since 0.1.0
 */
export const demote = (self: Group, place: Place, now: number, rule: Rule): boolean => {
  release(self, now)
  if (self.demoted.has(place) || self.demoted.size + 1 > rule.maxShare * self.size) return false
  place.times = now - place.until > longest * rule.lasts ? 1 : place.times + 1
  place.since = now
  place.until = now + rule.lasts * Math.min(place.times, longest)
  self.demoted.add(place)
  self.nextEnd = Math.min(self.nextEnd, place.until)
  if (!place.isDown) self.unusable++
  return true
}

/**
 * Notes whether a member can be used at all.
 *
 * @category transitions
 * @since 0.1.0
 */
export const setDown = (self: Group, place: Place, isDown: boolean): void => {
  if (place.isDown === isDown) return
  place.isDown = isDown
  if (!self.demoted.has(place)) self.unusable += isDown ? 1 : -1
}

/**
 * Whether a member's demotion counts at `now`.
 *
 * @category getters
 * @since 0.1.0
 */
export const isDemoted = (self: Group, place: Place, now: number, rule: Rule): boolean => {
  if (place.until <= now) return false
  release(self, now)
  return self.size - self.unusable >= rule.panicBelow * self.size
}
