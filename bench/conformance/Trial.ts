/** One client meets one fault, in a world of its own. */
import { Effect } from "effect"
import * as Canon from "./Canon.ts"
import type * as Client from "./Client.ts"
import * as Fault from "./Fault.ts"
import * as FaultServer from "./FaultServer.ts"
import * as Outage from "./Outage.ts"
import type * as Profile from "./Profile.ts"
import * as Verdict from "./Verdict.ts"

type Outcome =
  | { readonly _tag: "Answer"; readonly answer: Client.Answer }
  | { readonly _tag: "Refusal"; readonly isContent: boolean }
  | { readonly _tag: "Hang" }

const askOnce = (ask: Client.Ask, model: string, patience: number): Effect.Effect<Outcome> =>
  ask(model).pipe(
    Effect.map((answer): Outcome => ({ _tag: "Answer", answer })),
    Effect.catchTag("Refusal", ({ isContent }) => Effect.succeed<Outcome>({ _tag: "Refusal", isContent })),
    Effect.timeoutOrElse({ duration: patience, orElse: () => Effect.succeed<Outcome>({ _tag: "Hang" }) })
  )

const isWhole = (outcome: Outcome): boolean => outcome._tag === "Answer" && outcome.answer.text === Canon.text

const isAccounted = ({ inputTokens, model, outputTokens }: Client.Answer): boolean =>
  model === Canon.backup.model && inputTokens === Canon.backup.usage.prompt_tokens &&
  outputTokens === Canon.backup.usage.completion_tokens

const isRescued = (fault: Fault.Fault, outcome: Outcome): boolean => {
  if (fault.expect === "refusal") return outcome._tag === "Refusal" && outcome.isContent
  return isWhole(outcome) && (!fault.isAccounted || (outcome._tag === "Answer" && isAccounted(outcome.answer)))
}

const meetOnce = Effect.fnUntraced(function*(ask: Client.Ask, fault: Fault.Fault, world: Client.World) {
  const { patience } = world.profile
  const began = performance.now()
  const outcome = yield* askOnce(ask, fault.model, patience)
  const ms = performance.now() - began
  const attempts = world.primary.seen(fault.model).length + world.backup.seen(fault.model).length
  const after = yield* askOnce(ask, Fault.healthy, patience)
  return Verdict.make({
    isRescued: isRescued(fault, outcome),
    isPartial: outcome._tag === "Answer" && !isWhole(outcome),
    isOrderly: outcome._tag !== "Hang" && attempts <= Fault.maxAttempts && isWhole(after)
  }, { attempts, ms })
})

export const run = Effect.fnUntraced(function*(client: Client.Client, fault: Fault.Fault, profile: Profile.Profile) {
  const primary = yield* FaultServer.start("primary", profile)
  const backup = yield* FaultServer.start("backup", profile)
  const world = { profile, primary, backup }
  const ask = yield* client.connect(world)
  return yield* (fault.isOutage ? Outage.meet(ask, fault, world) : meetOnce(ask, fault, world))
}, Effect.scoped)
