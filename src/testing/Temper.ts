/**
 * What a simulated endpoint is like, checked and in plain numbers.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Id from "../endpoint/Id.ts"
import * as Prices from "../endpoint/Prices.ts"
import * as Configuration from "../policy/Configuration.ts"
import * as AccountOptions from "./AccountOptions.ts"
import type { Behaviour, Inhabitant } from "./Behaviour.ts"

/**
 * The behaviour that holds where nothing is said.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults = {
  latency: { median: "300 millis", sigma: 0.3 },
  failures: 0,
  incidents: [],
  workers: undefined,
  inputTokens: 500,
  outputTokens: 250
} as const satisfies Behaviour

const share = Schema.optional(Configuration.share("closed"))

const IncidentSettings = Schema.Struct({
  ...AccountOptions.span,
  latencyFactor: Schema.optional(Configuration.atLeast(0)),
  silence: share,
  failures: share,
  hiddenErrors: share,
  unreachable: share,
  failsIn: Schema.optional(Configuration.finiteDurationOrZero)
})

const BehaviourSettings = Schema.Struct({
  latency: Schema.Struct({
    median: Configuration.finiteDurationOrZero,
    // with more the longest of them would take longer than there are numbers for
    sigma: Configuration.field(
      (value): value is number => typeof value === "number" && value >= 0 && value <= 10,
      "it has to be a number from 0 to 10"
    ),
    stragglers: Schema.optional(Schema.Struct({
      share: Configuration.share("closed"),
      factor: Configuration.atLeast(0)
    }))
  }),
  failures: Configuration.share("closed"),
  incidents: Schema.Array(IncidentSettings),
  workers: Schema.optional(Configuration.integer(1, 1_000_000)),
  inputTokens: Configuration.integer(0),
  outputTokens: Configuration.integer(0)
})

const Name = Schema.Struct({ id: Id.field })
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const Owner = Schema.Struct({ account: Configuration.field(isObject, "it has to be of SimulatedAccount.make") })
const Bill = Schema.Struct({ prices: Schema.optional(Prices.Settings) })

type Incident = typeof IncidentSettings.Type

/**
 * What an endpoint is like. Times are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Temper {
  readonly id: string
  readonly account: AccountOptions.Settings
  readonly behaviour: typeof BehaviourSettings.Type
  /** Tokens of a request, question and answer. */
  readonly tokens: number
  /** What an answer costs, in dollars. */
  readonly price: number
}

const shares = ["silence", "failures", "hiddenErrors", "unreachable"] as const

// tenths add up to a little more than one
const isTooMuch = (incident: Incident): boolean =>
  shares.reduce((sum, name) => sum + (incident[name] ?? 0), 0) > 1 + 1e-9

const tell = (incident: Incident): string =>
  shares.flatMap((name) => incident[name] === undefined ? [] : [`${name} ${incident[name]}`]).join(", ")

interface Flaw {
  readonly field: string
  readonly value: string
  readonly rule: string
}

/** What only shows when options are looked at together. */
const flawOf = (
  { incidents }: typeof BehaviourSettings.Type,
  tokens: number,
  { tokensPerMinute }: AccountOptions.Settings
): Flaw | undefined => {
  const index = incidents.findIndex(isTooMuch)
  if (index >= 0) {
    return {
      field: `incidents.${index}`,
      value: tell(incidents[index]!),
      rule: "its shares have to add up to 1 at most"
    }
  }
  return tokensPerMinute < tokens
    ? {
      field: "account.tokensPerMinute",
      value: String(tokensPerMinute),
      rule: `it has to be enough for one request, which takes ${tokens}`
    }
    : undefined
}

/**
 * What an endpoint is like, within its bounds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (inhabitant: Inhabitant): Result.Result<Temper, Configuration.InvalidConfiguration> =>
  Result.gen(function*() {
    const { account: owner, behaviour: said, id, prices: bill } = inhabitant
    yield* Configuration.decodeResult("SimulatedEndpoint", Name, { id }, {})
    const subject = `SimulatedEndpoint ${JSON.stringify(id)}`
    const behaviour = yield* Configuration.decodeResult(subject, BehaviourSettings, said, defaults)
    const { prices } = yield* Configuration.decodeResult(subject, Bill, { prices: bill }, {})
    yield* Configuration.decodeResult(subject, Owner, { account: owner }, {})
    const { id: ownerId, ...options } = owner
    const account = yield* AccountOptions.decode(ownerId, options)
    const { inputTokens, outputTokens } = behaviour
    const tokens = inputTokens + outputTokens
    const flaw = flawOf(behaviour, tokens, account)
    if (flaw !== undefined) {
      return yield* Result.fail(new Configuration.InvalidConfiguration({ subject, ...flaw }))
    }
    const price = prices === undefined
      ? 0
      : (inputTokens * prices.inputPerMillion + outputTokens * prices.outputPerMillion) / 1_000_000
    return { id, account, behaviour, tokens, price }
  })
