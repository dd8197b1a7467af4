/**
 * Checks endpoints on a schedule, where their traffic does not tell already.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Now from "../policy/Now.ts"
import type * as ChatApi from "./ChatApi.ts"
import type { GuardedEndpoint } from "./GuardedEndpoint.ts"
import * as Health from "./Health.ts"
import * as HealthCheck from "./HealthCheck.ts"

/**
 * The options of a health monitor. Durations are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly schedule: Schedule.Schedule<unknown>
  readonly timeout: number
  /** Appended to the base URL of an endpoint that names no path of its own, and whose dialect has none. */
  readonly path: string
  /** How endpoints are checked that do not say it themselves. */
  readonly check: Health.Check
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

/** What the monitor remembers of an endpoint, for as long as that is there. */
interface Memory {
  /** How many calls had told when it last looked. */
  told: number
  /** Whether the path was once not found. */
  hasNoPath: boolean
}

/** Whether calls have told enough since the last look; a half-open circuit is looked at all the same. */
const isTold = (target: GuardedEndpoint, memory: Memory, now: number): boolean => {
  const isNews = target.told !== memory.told
  memory.told = target.told
  return isNews && target.breaker.snapshotUnsafe(now).state !== "HalfOpen"
}

const check = Effect.fnUntraced(function*(
  transport: ChatApi.Transport,
  target: GuardedEndpoint,
  options: Options,
  memory: Memory,
  report: (finding: HealthCheck.Finding) => void
) {
  const { endpoint } = target
  const wanted = endpoint.health.check ?? options.check
  if (target.isDraining || endpoint.baseUrl === undefined || wanted === "off") return
  if (isTold(target, memory, yield* Now.current)) return
  const model = wanted === "completion" || (wanted === "auto" && memory.hasNoPath)
    ? Health.modelOf(endpoint)
    : undefined
  const finding = model === undefined
    ? yield* HealthCheck.get(
      transport,
      target,
      endpoint.health.path ?? endpoint.dialect.healthPath ?? options.path,
      options.timeout
    )
    : yield* HealthCheck.complete(transport, target, model, options.timeout)
  if (finding === undefined) return
  if (finding.status === 404 || finding.status === 405) memory.hasNoPath = true
  report(finding)
})

/**
 * Starts checking, in the background, until the scope ends.
 *
 * @category constructors
 * @since 0.1.0
 */
export const start = (
  transport: ChatApi.Transport,
  targets: () => Iterable<GuardedEndpoint>,
  options: Options,
  report: (finding: HealthCheck.Finding) => void
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.suspend(() => {
    const memories = new WeakMap<GuardedEndpoint, Memory>()
    const memoryOf = (target: GuardedEndpoint): Memory => {
      const memory = memories.get(target) ?? { told: 0, hasNoPath: false }
      memories.set(target, memory)
      return memory
    }
    return Effect.suspend(() =>
      Effect.forEach(targets(), (target) => check(transport, target, options, memoryOf(target), report), {
        concurrency,
        discard: true
      })
    ).pipe(
      Effect.schedule(options.schedule),
      Effect.forkScoped,
      Effect.asVoid
    )
  })
