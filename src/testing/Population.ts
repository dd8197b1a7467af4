/**
 * All who live in one simulated world: each has a name of their own, and accounts of one name are one account.
 *
 * @since 0.1.0
 */
import * as Equal from "effect/Equal"
import * as Result from "effect/Result"
import * as Configuration from "../policy/Configuration.ts"
import type * as AccountOptions from "./AccountOptions.ts"
import type { Inhabitant } from "./Behaviour.ts"
import * as Temper from "./Temper.ts"

const refuse = (field: string, value: string, rule: string) =>
  Result.fail(new Configuration.InvalidConfiguration({ subject: "SimulatedWorld", field, value, rule }))

/**
 * Everybody, within their bounds.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (
  endpoints: ReadonlyArray<Inhabitant>
): Result.Result<ReadonlyArray<Temper.Temper>, Configuration.InvalidConfiguration> =>
  Result.gen(function*() {
    if (!Array.isArray(endpoints)) return yield* refuse("endpoints", typeof endpoints, "it has to be a list")
    if (endpoints.length === 0) return yield* refuse("endpoints.length", "0", "there has to be at least one endpoint")
    const names = new Set<string>()
    const accounts = new Map<string, AccountOptions.Settings>()
    const tempers: Array<Temper.Temper> = []
    for (const [place, endpoint] of endpoints.entries()) {
      if (typeof endpoint !== "object" || endpoint === null) {
        return yield* refuse(`endpoints.${place}`, typeof endpoint, "it has to be of SimulatedEndpoint.make")
      }
      const temper = yield* Temper.decode(endpoint)
      const { account, id } = temper
      if (names.has(id)) {
        return yield* refuse(`endpoints.${place}.id`, JSON.stringify(id), "no two endpoints may have one id")
      }
      if (!Equal.equals(accounts.get(account.id) ?? account, account)) {
        const rule = "accounts of one id are one account, and have to be described alike"
        return yield* refuse(`endpoints.${place}.account`, JSON.stringify(account.id), rule)
      }
      names.add(id)
      accounts.set(account.id, account)
      tempers.push(temper)
    }
    return tempers
  })
