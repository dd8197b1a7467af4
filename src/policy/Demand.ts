/**
 * What one call asks of a bulkhead.
 *
 * @since 0.1.0
 */
import * as Configuration from "./Configuration.ts"
import * as InvalidArgument from "./InvalidArgument.ts"

/**
 * The priorities, from the one served first to the one served last.
 *
 * @category constants
 * @since 0.1.0
 */
export const priorities = ["high", "normal", "low", "background"] as const

/**
 * The name of a priority, or its place in `priorities`.
 *
 * @category models
 * @since 0.1.0
 */
export type Priority = typeof priorities[number] | 0 | 1 | 2 | 3

/**
 * What one call asks of a bulkhead.
 *
 * @category models
 * @since 0.1.0
 */
export interface Demand {
  /** Whom it goes before, of those that wait; `"normal"` unless given. */
  readonly priority?: Priority | undefined
  /** How many slots it takes, from 1 to as many as may run at once; 1 unless given. */
  readonly weight?: number | undefined
}

/**
 * The same in numbers: level 0 is the highest.
 *
 * @category models
 * @since 0.1.0
 */
export interface Claim {
  readonly level: number
  readonly weight: number
}

/**
 * What a call asks that says nothing of it.
 *
 * @category constants
 * @since 0.1.0
 */
export const usual: Claim = { level: 1, weight: 1 }

const subject = "Bulkhead.protectWith"

const levelOf = (priority: unknown): number =>
  typeof priority === "number" && Object.hasOwn(priorities, priority)
    ? priority
    : priorities.findIndex((name) => name === priority)

/**
 * The demand in numbers, or what is wrong with it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (demand: Demand): Claim | InvalidArgument.InvalidArgument => {
  for (const [name, value] of Object.entries(Object(demand))) {
    if (name !== "priority" && name !== "weight") {
      return InvalidArgument.make(subject, name, value, "there is no such option")
    }
  }
  const { priority = priorities[usual.level], weight = usual.weight }: Demand = Object(demand)
  const level = levelOf(priority)
  if (level === -1) {
    const rule = "it has to be \"high\", \"normal\", \"low\", \"background\" or a whole number from 0 to 3"
    return InvalidArgument.make(subject, "priority", priority, rule)
  }
  return Configuration.isInteger(weight, 1)
    ? { level, weight }
    : InvalidArgument.make(subject, "weight", weight, "it has to be a whole number from 1 up")
}

/**
 * The refusal of a weight that never fits.
 *
 * @category constructors
 * @since 0.1.0
 */
export const tooHeavy = (weight: number, widest: number): InvalidArgument.InvalidArgument =>
  InvalidArgument.make(subject, "weight", weight, `it has to be at most ${widest}, as many as may run at once`)
