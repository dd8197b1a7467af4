/**
 * What a relay would do with a call, told without making it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Words from "../policy/Words.ts"

/**
 * How an endpoint stands to a call:
 *
 * - `Chosen`: the call goes there, or chance decides between it and others
 * - `PassedOver`: others of its tier are preferred
 * - `LaterTier`: asked when nobody of an earlier tier is left
 * - `Degraded`: asked when nobody else is left
 * - `Refused`: one of its policies, or what is known of it, would refuse the call
 * - `Unsuited`: it does not serve the model, says that it cannot do what the request needs, or has a dialect that cannot
 *   say it
 * - `Draining`: on its way out
 *
 * @category models
 * @since 0.1.0
 */
export const Standing = Schema.Literals([
  "Chosen",
  "PassedOver",
  "LaterTier",
  "Degraded",
  "Refused",
  "Unsuited",
  "Draining"
])

/**
 * How an endpoint stands to a call.
 *
 * @category models
 * @since 0.1.0
 */
export type Standing = typeof Standing.Type

/**
 * One endpoint, why it stands where it does, and what would change that.
 *
 * @category models
 * @since 0.1.0
 */
export const Candidate = Schema.Struct({
  endpoint: Schema.String,
  tier: Schema.Int,
  standing: Standing,
  /** The tag of the failure that it would refuse the call with. */
  refusal: Schema.optionalKey(Schema.String),
  /** In words. */
  because: Schema.String,
  /** Milliseconds until that changes by itself, where it is known. */
  after: Schema.optionalKey(Schema.Number),
  /** What changes it, in words: when, or by whom. */
  changes: Schema.optionalKey(Schema.String)
})

/**
 * One endpoint, why it stands where it does, and what would change that.
 *
 * @category models
 * @since 0.1.0
 */
export type Candidate = typeof Candidate.Type

/**
 * What becomes of a call that nobody answers. Durations are milliseconds.
 *
 * - `WaitInLine`: our own limits are full; the call queues for room
 * - `Wait`: it waits, about so long, and begins another round
 * - `Fail`: it fails, with the failure of this tag, or `Defect`, and says when to come again where that is known
 *
 * @category models
 * @since 0.1.0
 */
export const Outcome = Schema.Union([
  Schema.TaggedStruct("WaitInLine", {
    endpoints: Schema.Array(Schema.String),
    /** How long it takes at least, where that is known. */
    delay: Schema.optionalKey(Schema.Number)
  }),
  Schema.TaggedStruct("Wait", { delay: Schema.Number, because: Schema.String }),
  Schema.TaggedStruct("Fail", { failure: Schema.String, retryAfter: Schema.optionalKey(Schema.Number) })
])

/**
 * What becomes of a call that nobody answers.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = typeof Outcome.Type

/**
 * What a relay would do with a call that begins now.
 *
 * @category models
 * @since 0.1.0
 */
export const RelayExplanation = Schema.Struct({
  model: Schema.String,
  /** The `balance` of the relay, which chooses among the endpoints of a tier; `"function"` for one of your own. */
  balance: Schema.String,
  /** Where it goes: one of these where chance decides, nowhere when none would take it. Of large tiers, most that may be. */
  goesTo: Schema.Array(Schema.String),
  /** What it does when nobody answers: at once where it goes nowhere, otherwise after all were unavailable. */
  ifNobody: Outcome,
  /** Every endpoint of the relay. */
  candidates: Schema.Array(Candidate)
})

/**
 * What a relay would do with a call that begins now.
 *
 * @category models
 * @since 0.1.0
 */
export type RelayExplanation = typeof RelayExplanation.Type

// more names than these say no more
const named = 8

const names = (ids: ReadonlyArray<string>): string =>
  ids.length <= named ? ids.join(", ") : `${ids.slice(0, named).join(", ")} and ${ids.length - named} more`

const destination = (goesTo: ReadonlyArray<string>): string =>
  goesTo.length === 0 ? "nowhere" : goesTo.length === 1 ? `to ${goesTo[0]}` : `to one of ${names(goesTo)}`

const outcome = (outcome: Outcome): string => {
  switch (outcome._tag) {
    case "WaitInLine":
      return `it waits in line at ${names(outcome.endpoints)}` +
        (outcome.delay === undefined ? "" : `, ${Words.duration(outcome.delay)} at least`)
    case "Wait":
      return `it waits about ${Words.duration(outcome.delay)} because of ${outcome.because}, and asks again`
    case "Fail":
      return `it fails with ${outcome.failure}` +
        (outcome.retryAfter === undefined ? "" : `, to be tried again in ${Words.duration(outcome.retryAfter)}`)
  }
}

const candidate = ({ because, changes, endpoint, tier }: Candidate): string =>
  `  ${endpoint}, tier ${tier}: ${because}${changes === undefined ? "" : `; changes ${changes}`}`

/**
 * The explanation as text.
 *
 * @category conversions
 * @since 0.1.0
 */
export const print = ({ candidates, goesTo, ifNobody, model }: RelayExplanation): string =>
  [
    `A call for model "${model}" goes ${destination(goesTo)}`,
    ...candidates.map(candidate),
    `${goesTo.length === 0 ? "Now" : "If nobody answers,"} ${outcome(ifNobody)}`
  ].join("\n")
