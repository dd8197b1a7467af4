/**
 * One look at one endpoint, to see whether it is there.
 *
 * A GET costs nothing and can only speak against a closed circuit: that a list
 * of models comes back says little about completions. A completion of one token
 * is a call like any other to the policies: it is sent only where a call would
 * be, and its answer counts. Either is a probe where the circuit's opening has
 * run out; nothing is forced closed.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Circuit from "../machine/Circuit.ts"
import * as Attempt from "../policy/Attempt.ts"
import { CircuitOpen } from "../policy/CircuitBreaker.ts"
import * as Now from "../policy/Now.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import * as ChatApi from "./ChatApi.ts"
import * as ChatRequest from "./ChatRequest.ts"
import * as Message from "./dialect/Message.ts"
import * as Endpoint from "./Endpoint.ts"
import * as Failure from "./Failure.ts"
import type * as GuardedEndpoint from "./GuardedEndpoint.ts"

/**
 * What one check found. The duration is in milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Finding {
  readonly endpoint: string
  readonly healthy: boolean
  readonly duration: number
  /** The HTTP status of a GET that was answered. */
  readonly status?: number | undefined
}

// what is no answer at all, and what a server says that is in trouble, is not alive
const isAlive = (status: number): boolean => status < 500 && status !== 408

/**
 * Fetches `path`; `undefined` when the circuit lets nothing pass.
 *
 * @category calls
 * @since 0.1.0
 */
export const get = Effect.fnUntraced(function*(
  { client }: ChatApi.Transport,
  target: GuardedEndpoint.GuardedEndpoint,
  path: string,
  timeout: number
): Effect.fn.Return<Finding | undefined> {
  const clock = yield* Effect.withFiberSucceed(Now.clockOf)
  const random = yield* Random.Random
  const startedAt = Now.read(clock)
  let ticket: Circuit.Ticket | undefined
  let finding: Finding | undefined
  yield* Effect.onExitPrimitive(
    Effect.suspend((): Effect.Effect<number | undefined> => {
      const verdict = target.breaker.admitUnsafe(startedAt)
      // an open circuit is left alone until its time has come
      if (verdict instanceof CircuitOpen) return Effect.undefined
      ticket = verdict
      return ChatApi.ping(client, target.endpoint, path).pipe(
        Effect.timeoutOption(timeout),
        Effect.map(Option.getOrUndefined),
        // a client that throws is no reason to stop checking
        Effect.catchDefect(() => Effect.undefined),
        Effect.orElseSucceed(() => undefined)
      )
    }),
    (exit) => {
      if (ticket === undefined) return undefined
      const now = Now.read(clock)
      const status = Exit.isSuccess(exit) ? exit.value : undefined
      const healthy = status !== undefined && isAlive(status)
      const probed = target.breaker.snapshotUnsafe(now).state === "HalfOpen"
      const outcome: Circuit.Outcome = Exit.isFailure(exit) || status === 429
        ? "Ignored"
        : healthy
        ? probed && status < 400 ? "Success" : "Ignored"
        : "Failure"
      target.breaker.settleUnsafe(ticket, outcome, now, random.nextDoubleUnsafe())
      if (Exit.isFailure(exit)) return undefined
      if (healthy) target.standing.checkedKey(status === 401, now)
      finding = { endpoint: target.endpoint.id, healthy, duration: now - startedAt, status }
      return undefined
    }
  )
  return finding
})

const question = (model: string): ChatRequest.ChatRequest => ({
  model,
  messages: [{ role: "user", content: "ping" }],
  max_tokens: 1
})

const unanswered = (id: string, reason: "Connection" | "Timeout", detail: string): Failure.EndpointUnavailable =>
  Rejection.make(Failure.EndpointUnavailable, { endpoint: id, reason, detail, attempts: Attempt.none })

// what a validator expects of an answer is not to be found in one token
const isAnswer = (failure: Failure.Answered): boolean =>
  failure._tag === "InvalidResponse" && failure.reason === "Rejected"

/**
 * Asks for one token; `undefined` where a call would not be sent, or would be
 * the trial of a quota or a key: what is short is left to the callers.
 *
 * @category calls
 * @since 0.1.0
 */
export const complete = Effect.fnUntraced(function*(
  transport: ChatApi.Transport,
  target: GuardedEndpoint.GuardedEndpoint,
  model: string,
  timeout: number
): Effect.fn.Return<Finding | undefined> {
  const clock = yield* Effect.withFiberSucceed(Now.clockOf)
  const random = yield* Random.Random
  const { endpoint } = target
  const request = question(model)
  const demand = { model, cost: { calls: 1, tokens: ChatRequest.estimateTokens(request) } }
  let admission: GuardedEndpoint.Admission | undefined
  let finding: Finding | undefined
  yield* Effect.onExitPrimitive(
    Effect.suspend((): Effect.Effect<unknown> => {
      const now = Now.read(clock)
      if (target.standing.isOnTrial()) return Effect.undefined
      const verdict = target.admit(demand, now)
      if (!("ticket" in verdict)) return Effect.undefined
      admission = verdict
      const wireModel = Endpoint.wireModel(endpoint, model) ?? model
      const written = Message.write(endpoint.dialect, ChatRequest.write(request), wireModel)
      return ChatApi.complete(transport, endpoint, wireModel, written, verdict).pipe(
        Effect.as(undefined),
        Effect.timeoutOrElse({
          duration: timeout,
          orElse: () => Effect.fail(unanswered(endpoint.id, "Timeout", Duration.format(Duration.millis(timeout))))
        }),
        // a client that throws is no reason to stop checking
        Effect.catchDefect(() => Effect.fail(unanswered(endpoint.id, "Connection", "the HTTP client threw"))),
        Effect.catch((failure) => Effect.succeed(isAnswer(failure) ? undefined : failure))
      )
    }),
    (exit) => {
      if (admission === undefined) return undefined
      const now = Now.read(clock)
      const ending = Exit.isFailure(exit)
        ? { _tag: "Interrupted" } as const
        : exit.value === undefined
        ? { _tag: "CheckPassed" } as const
        : { _tag: "CheckFailed", failure: exit.value } as const
      target.settle(admission, ending, now, random.nextDoubleUnsafe())
      if (ending._tag === "Interrupted") return undefined
      const healthy = ending._tag === "CheckPassed" || Verdict.of(ending.failure).breaker !== "Failure"
      finding = { endpoint: endpoint.id, healthy, duration: now - admission.startedAt }
      return undefined
    }
  )
  return finding
})
