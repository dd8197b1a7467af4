/**
 * Fallback in order, as Effect's `ExecutionPlan` has it: each endpoint of the list so many times with a schedule, then the
 * next. What a call learns is forgotten with it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as ExecutionPlan from "effect/ExecutionPlan"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Client from "../Client.ts"
import * as Upstream from "./Upstream.ts"

const Target = Context.Service<number>("bench/simulation/Plan/Target")

const step = (endpoint: number) => ({
  provide: Layer.succeed(Target, endpoint),
  attempts: 2,
  schedule: Schedule.exponential("100 millis")
})

const plan = ExecutionPlan.make(step(0), step(1), step(2), step(3))

/** How long one attempt may take, as the relay has it. */
const attemptTimeout = "3 seconds"

export const make: Client.Make = () =>
  Effect.map(Upstream.make, ({ send }): Client.Client => {
    const attempt = Effect.flatMap(Target, send).pipe(
      Effect.timeoutOrElse({ duration: attemptTimeout, orElse: () => Effect.fail("Failed" as const) }),
      Effect.flatMap(({ kind }): Effect.Effect<Client.Outcome, "Limited" | "Failed"> =>
        kind === "Answer"
          ? Effect.succeed("Answered")
          : Effect.fail(kind === "Limited" || kind === "Empty" ? "Limited" : "Failed")
      ),
      Effect.withExecutionPlan(plan),
      Effect.catch((outcome) => Effect.succeed<Client.Outcome>(outcome))
    )
    return { ask: () => attempt }
  })
