/**
 * Operations of your own over a relay.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Endpoint from "../endpoint/Endpoint.ts"
import * as Arguments from "../policy/Arguments.ts"
import type * as Budget from "../policy/Budget.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as Call from "./Call.ts"
import * as CallOptions from "./CallOptions.ts"
import * as Choice from "./Choice.ts"
import * as Deadline from "./Deadline.ts"
import * as Expense from "./Expense.ts"
import type * as Progress from "./Progress.ts"
import type * as RelayError from "./RelayError.ts"

/**
 * What a caller can say about one operation.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E> {
  /** Whose it is: what it relays spends from the budget of its tenant, and stands in the reports of usage under it. */
  readonly tenant?: string | undefined
  /** What it is for, such as a feature: what it relays spends from the budget of its label. */
  readonly label?: string | undefined
  /** How long the caller is ready to wait, attempts and waits included. */
  readonly deadline?: Duration.Input | undefined
  /** Whether the operation may run again after it ran once. Default: true. */
  readonly idempotent?: boolean | undefined
  /** `false` runs no second copy, however slow the first is. Default: what the relay's `hedge` says. */
  readonly hedge?: boolean | undefined
  /** Where the relay's balance is `"sticky"`, operations with the same text go to the same endpoint. */
  readonly affinity?: string | undefined
  /**
   * What relayed calls inside of it may spend: a budget that is shared, or one of its own. Default: what it runs under.
   */
  readonly budget?: Budget.Budget | Budget.Limits | undefined
  /** Whether a failure is the caller's own fault: no endpoint is blamed and none is tried after it. Default: none is. */
  readonly isCallersFault?: ((failure: E) => boolean) | undefined
}

const rules: Arguments.Rules<Options<never>> = {
  tenant: Arguments.text,
  label: Arguments.text,
  deadline: Arguments.anything,
  budget: Arguments.anything,
  idempotent: Arguments.flag,
  hedge: Arguments.flag,
  affinity: Arguments.text,
  isCallersFault: Arguments.fn
}

/**
 * Runs an operation with whichever endpoint is chosen. One that throws, dies or
 * gives back no effect has a bug: the call ends in that defect, and no endpoint
 * is blamed.
 *
 * @category models
 * @since 0.1.0
 */
export type Execute = <A, E, R>(
  operation: (endpoint: Endpoint.Endpoint) => Effect.Effect<A, E, R>,
  options?: Options<E>
) => Effect.Effect<Progress.Answered<A>, E | RelayError.ExecuteError, R>

const noOperation = (value: unknown) =>
  CallOptions.rejected({ argument: "operation", value: Arguments.show(value), rule: Arguments.fn.rule })

/** The deadline and the budget of an operation that can run, and whose options are sound. */
const read = (operation: unknown, options: Options<never> | undefined) =>
  Effect.suspend(() => {
    const refusal = typeof operation === "function" ? CallOptions.refusal(options, rules) : noOperation(operation)
    return refusal === undefined
      ? Effect.zip(Deadline.decode(options?.deadline), Expense.decode(options?.budget))
      : Effect.fail(refusal)
  })

const callersFault: Verdict.Verdict = { breaker: "Ignored", again: false, elsewhere: false }

/**
 * The execute of a relay.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (relay: Progress.Relay): Execute => (operation, options) =>
  Effect.flatMap(
    Effect.tapError(read(operation, options), relay.events.tellFailure),
    ([deadline, pocket]) =>
      Call.run(relay, {
        model: undefined,
        payer: options === undefined ? undefined : { tenant: options.tenant, label: options.label, pocket },
        estimatedTokens: 0,
        wish: Choice.ofOther(options?.affinity),
        operation,
        isCallersCode: true,
        usage: () => undefined,
        verdict: (failure) => options?.isCallersFault?.(failure as never) === true ? callersFault : Verdict.of(failure),
        deadline,
        isAnnounced: true,
        idempotent: options?.idempotent !== false,
        mayHedge: options?.hedge !== false
      })
  )
