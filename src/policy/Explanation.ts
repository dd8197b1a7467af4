/**
 * What a stack of policies does to a call, before it runs: in what order, what
 * one call can become at worst, and what is wrong with the order.
 *
 * @since 0.1.0
 */
import type { Description } from "./Description.ts"
import { TypeId } from "./Description.ts"
import * as Order from "./Order.ts"
import * as Words from "./Words.ts"
import * as WorstCase from "./WorstCase.ts"

/**
 * One policy of a stack; the outermost has place 1.
 *
 * @category models
 * @since 0.1.0
 */
export interface Part {
  readonly place: number
  readonly description: Description
  readonly text: string
}

/**
 * What the dependency may have to bear.
 *
 * @category models
 * @since 0.1.0
 */
export interface Load {
  /** How many calls one call becomes, at most … */
  readonly perCall: number
  /** … and how many of them run at once. */
  readonly perCallAtOnce: number
  /** How many run at once in all; `Infinity` without a bulkhead. */
  readonly atOnce: number
  /** The limits of the rate limiters, each with how many calls one that it counts can become. */
  readonly rates: ReadonlyArray<{ readonly limit: string; readonly times: number }>
}

/**
 * An order that is known to be wrong, or worth knowing of. `places` are those of
 * `Part`, the outermost first.
 *
 * @category models
 * @since 0.1.0
 */
export interface Warning {
  readonly rule: string
  readonly severity: "warning" | "note"
  readonly places: ReadonlyArray<number>
  readonly message: string
  readonly remedy: string | undefined
}

/**
 * What a stack does to a call. Durations are milliseconds; what nothing bounds
 * is `Infinity`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Explanation {
  /** The policies, the outermost first. */
  readonly parts: ReadonlyArray<Part>
  /** How often the call itself is begun, at most. */
  readonly attempts: number
  /** How long it takes at most, without what a fallback or a function of one's own does. */
  readonly time: number
  readonly load: Load
  /** Warnings first, then notes. */
  readonly warnings: ReadonlyArray<Warning>
}

/**
 * A policy, a function that may be one, or several of them, the innermost first.
 *
 * @category models
 * @since 0.1.0
 */
export type Explainable = object | ReadonlyArray<object>

const flatten = (policy: Description): ReadonlyArray<Description> =>
  policy._tag === "Stack" ? policy.parts.flatMap(flatten) : [policy]

/**
 * What a policy says of itself, as it is now. Total: what says nothing is a
 * custom function.
 *
 * @category getters
 * @since 0.1.0
 */
export const describe = (policy: unknown): Description => {
  try {
    if (Array.isArray(policy)) return { _tag: "Stack", parts: policy.map(describe) }
    const own = Object(policy)
    if (typeof own[TypeId] === "function") {
      const description: Description = own[TypeId]()
      // one that cannot be put into words is none
      flatten(description).forEach(Words.does)
      return description
    }
    return { _tag: "Custom", name: typeof policy === "function" ? policy.name : "" }
  } catch {
    return { _tag: "Custom", name: "" }
  }
}

/**
 * Looks at a stack.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = (stack: Explainable): Explanation => {
  const policies = flatten(describe(stack))
  const placeOf = (index: number): number => policies.length - index
  const { atOnce, attempts, time } = WorstCase.of(policies)
  const inside = (index: number): WorstCase.WorstCase => WorstCase.of(policies.slice(0, index))
  return {
    parts: policies.map((description, index) => ({
      place: placeOf(index),
      description,
      text: `${Words.name(description)}: ${Words.does(description)}`
    })).toReversed(),
    attempts,
    time,
    load: {
      perCall: attempts,
      perCallAtOnce: atOnce,
      atOnce: policies.reduce(
        (least, policy, index) =>
          policy._tag === "Bulkhead" ? Math.min(least, policy.maxConcurrent * inside(index).atOnce) : least,
        Infinity
      ),
      rates: policies.flatMap((policy, index) =>
        policy._tag === "RateLimiter"
          ? policy.limits.map((limit) => ({ limit, times: inside(index).attempts }))
          : []
      )
    },
    warnings: Order.check(policies).map(({ at, message, remedy, rule, severity }) => ({
      rule,
      severity,
      places: at.map(placeOf).toSorted((a, b) => a - b),
      message,
      remedy
    }))
  }
}

const count = (value: number): string => value === Infinity ? "unbounded" : String(value)

const factors = (parts: ReadonlyArray<Part>): string => {
  const said = parts.flatMap(({ description }) => {
    if (description._tag === "Retry" && description.maxAttempts > 1) return [`retry ${count(description.maxAttempts)}`]
    if (description._tag === "Hedge") return [`hedge ${description.maxCopies}`]
    return []
  })
  return said.length < 2 ? "" : ` (${said.join(" × ")})`
}

const loadLines = ({ atOnce, perCall, perCallAtOnce, rates }: Load): ReadonlyArray<string> => [
  `one call becomes up to ${count(perCall)}, ${count(perCallAtOnce)} at once`,
  atOnce === Infinity ? "nothing bounds how many run at once" : `at most ${atOnce} at once in all`,
  ...rates.map(({ limit, times }) => times === 1 ? limit : `${limit}, each of them up to ${count(times)}`)
]

const unknown = (parts: ReadonlyArray<Part>): string => {
  const tags = new Set(parts.map(({ description }) => description._tag))
  const names = [
    ...(tags.has("Fallback") ? ["the fallback"] : []),
    ...(tags.has("Custom") ? ["custom functions"] : [])
  ]
  return names.length === 0 ? "" : `, without what ${names.join(" and ")} may take`
}

const paragraph = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)]

const said = (warnings: ReadonlyArray<Warning>, severity: Warning["severity"]): ReadonlyArray<string> =>
  warnings.filter((warning) => warning.severity === severity).map(({ message, places, remedy }) =>
    `${places.length === 0 ? "" : `${places.join(", ")}: `}${message}${remedy === undefined ? "" : `; ${remedy}`}`
  )

/**
 * The explanation as text.
 *
 * @category conversions
 * @since 0.1.0
 */
export const print = ({ attempts, load, parts, time, warnings }: Explanation): string =>
  [
    "Outermost first",
    ...parts.map(({ place, text }) => `  ${place}. ${text}`),
    `  ${parts.length + 1}. the call`,
    ...paragraph("One call at worst", [
      `attempts: ${count(attempts)}${factors(parts)}`,
      `time: ${time === Infinity ? "unbounded" : Words.duration(time)}${unknown(parts)}`
    ]),
    ...paragraph("Load at worst", loadLines(load)),
    ...paragraph("Warnings", said(warnings, "warning")),
    ...paragraph("Notes", said(warnings, "note"))
  ].join("\n")
