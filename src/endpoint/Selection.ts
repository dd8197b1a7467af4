/**
 * Which endpoints a change is for, and what names none.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Arguments from "../policy/Arguments.ts"
import type { Accounts } from "./Accounts.ts"
import { EndpointNotFound } from "./EndpointNotFound.ts"
import type { GuardedEndpoint } from "./GuardedEndpoint.ts"
import * as Json from "./Json.ts"

/**
 * An endpoint by its id, or all the endpoints that an account has now.
 *
 * @category models
 * @since 0.1.0
 */
export type Subject = string | { readonly account: string }

/**
 * What is wrong with an id, if it is none.
 *
 * @category guards
 * @since 0.1.0
 */
export const idFlaw = (id: unknown): Arguments.Flaw | undefined =>
  Arguments.text.holds(id)
    ? undefined
    : { argument: "id", value: Arguments.show(id), rule: Arguments.text.rule }

// who names an endpoint beside an account may mean either
const isAccount = (subject: unknown): boolean =>
  Json.isRecord(subject) && typeof subject["account"] === "string" &&
  Object.entries(subject).every(([name, value]) => name === "account" || value === undefined)

/**
 * What is wrong with a subject, if it is none.
 *
 * @category guards
 * @since 0.1.0
 */
export const flawOf = (subject: unknown): Arguments.Flaw | undefined => {
  if (typeof subject === "string" || isAccount(subject)) return undefined
  const rule = "it has to be an id, or an object with the account and nothing else"
  return { argument: "subject", value: Arguments.show(subject), rule }
}

type Targets = ReadonlyMap<string, GuardedEndpoint>

const some = (names: Iterable<string>): ReadonlyArray<string> => Array.from(names).slice(0, 20)

/**
 * The endpoint with an id.
 *
 * @category getters
 * @since 0.1.0
 */
export const one = (targets: Targets, id: string): Effect.Effect<GuardedEndpoint, EndpointNotFound> => {
  const target = targets.get(id)
  return target === undefined
    ? Effect.fail(new EndpointNotFound({ id, known: some(targets.keys()) }))
    : Effect.succeed(target)
}

/**
 * All that a subject stands for: at least one.
 *
 * @category getters
 * @since 0.1.0
 */
export const all = (
  targets: Targets,
  accounts: Pick<Accounts, "ids">,
  subject: Subject
): Effect.Effect<ReadonlyArray<GuardedEndpoint>, EndpointNotFound> => {
  if (typeof subject === "string") return Effect.map(one(targets, subject), (target) => [target])
  const { account } = subject
  const found = Array.from(targets.values()).filter(({ endpoint }) => endpoint.account === account)
  return found.length === 0
    ? Effect.fail(new EndpointNotFound({ account, known: some(accounts.ids()) }))
    : Effect.succeed(found)
}
