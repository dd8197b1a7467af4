/**
 * Asks endpoints, on a schedule, whether they are there.
 *
 * A check of a closed circuit can only speak against the endpoint: that a list
 * of models comes back says little about completions. A check of a circuit whose
 * opening has run out counts as one of its probes; nothing is forced closed.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Circuit from "../machine/Circuit.ts"
import { CircuitOpen } from "../policy/CircuitBreaker.ts"
import * as Now from "../policy/Now.ts"
import * as ChatApi from "./ChatApi.ts"
import type { GuardedEndpoint } from "./GuardedEndpoint.ts"

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
}

/**
 * The options of a health monitor. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly schedule: Schedule.Schedule<unknown>
  readonly timeout: number
  /** Appended to the base URL of an endpoint whose dialect has no path of its own. */
  readonly path: string
}

/**
 * Every ten seconds, spread by a fifth so that a fleet does not check in step.
 *
 * @category schedules
 * @since 0.1.0
 */
export const everyTenSeconds: Schedule.Schedule<number> = Schedule.spaced("10 seconds").pipe(Schedule.jittered)

// enough to keep a large set fresh, few enough not to be a load of its own
const concurrency = 8

const isAlive = (status: number): boolean => status < 500 && status !== 408

const check = Effect.fnUntraced(function*(
  client: HttpClient.HttpClient,
  target: GuardedEndpoint,
  options: Options,
  report: (finding: Finding) => void
) {
  if (target.isDraining || target.endpoint.baseUrl === undefined) return
  const clock = yield* Effect.withFiberSucceed(Now.clockOf)
  const random = yield* Random.Random
  const startedAt = Now.read(clock)
  let ticket: Circuit.Ticket | undefined
  yield* Effect.onExitPrimitive(
    Effect.suspend((): Effect.Effect<number | undefined> => {
      const verdict = target.breaker.admitUnsafe(startedAt)
      // an open circuit is left alone until its time has come
      if (verdict instanceof CircuitOpen) return Effect.undefined
      ticket = verdict
      return ChatApi.ping(client, target.endpoint, target.endpoint.dialect.healthPath ?? options.path).pipe(
        Effect.timeoutOption(options.timeout),
        Effect.map((status) => status._tag === "Some" ? status.value : undefined),
        // a client that throws is no reason to stop checking
        Effect.catchDefect(() => Effect.undefined),
        Effect.orElseSucceed(() => undefined)
      )
    }),
    (exit) => {
      if (ticket === undefined) return undefined
      const now = Now.read(clock)
      const status = exit._tag === "Success" ? exit.value : undefined
      const healthy = status !== undefined && isAlive(status)
      const probed = target.breaker.snapshotUnsafe(now).state === "HalfOpen"
      const outcome: Circuit.Outcome = exit._tag === "Failure" || status === 429
        ? "Ignored"
        : healthy
        ? probed && status < 400 ? "Success" : "Ignored"
        : "Failure"
      target.breaker.settleUnsafe(ticket, outcome, now, random.nextDoubleUnsafe())
      if (exit._tag === "Success") {
        if (healthy) target.checkedKey(status === 401, now)
        report({ endpoint: target.endpoint.id, healthy, duration: now - startedAt })
      }
      return undefined
    }
  )
})

/**
 * Starts checking, in the background, until the scope ends.
 *
 * @category constructors
 * @since 0.1.0
 */
export const start = (
  client: HttpClient.HttpClient,
  targets: () => Iterable<GuardedEndpoint>,
  options: Options,
  report: (finding: Finding) => void
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() =>
    Effect.forEach(targets(), (target) => check(client, target, options, report), { concurrency, discard: true })
  ).pipe(
    Effect.schedule(options.schedule),
    Effect.forkScoped,
    Effect.asVoid
  )
