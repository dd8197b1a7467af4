/**
 * What the calls of a relay may spend: all together, each tenant, each label.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Budget from "../policy/Budget.ts"
import * as Configuration from "../policy/Configuration.ts"
import * as Purse from "../policy/Purse.ts"

/**
 * Budgets, or what each is to have. One that you have made can be looked at, reset, and configured for each key.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Of all calls together. */
  readonly total?: Budget.Budget | Budget.Options | undefined
  /** Of each tenant. Calls that name none share one, whose key is `(none)`. */
  readonly perTenant?: Budget.Budget | Budget.Options | undefined
  /** Of each label. Calls that have none are not held to it. */
  readonly perLabel?: Budget.Budget | Budget.Options | undefined
}

/**
 * The budgets of a relay.
 *
 * @category models
 * @since 0.1.0
 */
export interface Budgets {
  readonly total: Budget.Budget | undefined
  readonly perTenant: Budget.Budget | undefined
  readonly perLabel: Budget.Budget | undefined
}

const names = ["total", "perTenant", "perLabel"] as const

/** The key of calls that name no tenant. */
const nobody = "(none)"

/**
 * The budgets that these options ask for; `undefined` where there are none.
 *
 * @category decoding
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options | undefined
): Effect.fn.Return<Budgets | undefined, Configuration.InvalidConfiguration> {
  if (options === undefined) return undefined
  const refuse = (field: string, value: string, rule: string) =>
    Effect.fail(new Configuration.InvalidConfiguration({ subject: "RelayService.budgets", field, value, rule }))
  for (const name of Object.keys(options)) {
    if (!names.some((known) => known === name)) return yield* refuse(name, "not shown here", "there is no such option")
  }
  const made: { -readonly [Name in keyof Budgets]: Budgets[Name] } = {
    total: undefined,
    perTenant: undefined,
    perLabel: undefined
  }
  for (const name of names) {
    const option = options[name]
    if (option === undefined) continue
    made[name] = Budget.isBudget(option) ? option : yield* Effect.catchTag(
      Budget.make(option as Budget.Options),
      "InvalidConfiguration",
      ({ field, rule, value }) => refuse(field === "options" ? name : `${name}.${field}`, value, rule)
    )
  }
  return made
})

/**
 * Who pays for a call.
 *
 * @category models
 * @since 0.1.0
 */
export interface Payer {
  readonly tenant?: string | undefined
  readonly label?: string | undefined
  /** What the call may spend itself. */
  readonly pocket?: Purse.Pocket | undefined
}

const into = (outer: Purse.Purse | undefined, budget: Budget.Budget): Purse.Purse | undefined =>
  Budget.isBudget(budget) ? Purse.inside(outer, budget) : outer

const nobodyInParticular: Payer = {}

/**
 * All that a call spends from: what it runs under, the budgets of the relay, its own.
 *
 * @category combinators
 * @since 0.1.0
 */
export const purseOf = (
  self: Budgets | undefined,
  outer: Purse.Purse | undefined,
  payer: Payer | undefined
): Purse.Purse | undefined => {
  let purse = outer
  const pocket = payer?.pocket
  if (self !== undefined) {
    const { label, tenant } = payer ?? nobodyInParticular
    if (self.total !== undefined) purse = into(purse, self.total)
    if (self.perTenant !== undefined) purse = into(purse, self.perTenant.at(named(tenant) ?? nobody))
    const labelled = named(label)
    if (self.perLabel !== undefined && labelled !== undefined) purse = into(purse, self.perLabel.at(labelled))
  }
  return pocket === undefined ? purse : Purse.inside(purse, pocket)
}

/**
 * Whether a purse is that of all calls, or of a tenant's: not of one caller, a label, or what somebody runs under.
 *
 * @category guards
 * @since 0.1.0
 */
export const isOfTenant = (self: Budgets, tenant: string | undefined, { allowance }: Purse.Pocket): boolean =>
  isOf(self.total, allowance) || isOf(self.perTenant?.at(named(tenant) ?? nobody), allowance)

const isOf = (budget: Budget.Budget | undefined, allowance: Purse.Pocket["allowance"]): boolean =>
  Budget.isBudget(budget) && budget.allowance === allowance

// a text that is empty is no name
const named = (name: string | undefined): string | undefined => name === "" ? undefined : name
