/**
 * The endpoints of a relay, which can change while calls are under way.
 *
 * A call that was admitted finishes where it is. A change that cannot work is
 * refused and the old set stays.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Bulkhead from "../policy/Bulkhead.ts"
import type * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as Configuration from "../policy/Configuration.ts"
import * as Now from "../policy/Now.ts"
import type * as RateLimiter from "../policy/RateLimiter.ts"
import * as Account from "./Account.ts"
import * as Capabilities from "./Capabilities.ts"
import * as Endpoint from "./Endpoint.ts"
import type * as Guarded from "./GuardedEndpoint.ts"
import { GuardedEndpoint } from "./GuardedEndpoint.ts"
import * as Lineup from "./Lineup.ts"
import type * as Peers from "./Peers.ts"

export {
  /**
   * Candidates of one tier.
   *
   * @category models
   * @since 0.1.0
   */
  type Tier
} from "./Lineup.ts"

/**
 * No endpoint of the relay has this id.
 *
 * @category errors
 * @since 0.1.0
 */
export class EndpointNotFound extends Schema.TaggedError<EndpointNotFound>()("EndpointNotFound", {
  id: Schema.String,
  /** The ids there are. */
  known: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `no endpoint "${this.id}"; there are: ${this.known.join(", ") || "none"}`
  }
}

/**
 * A change of the set, as told to whoever watches.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change {
  readonly _tag: "Added" | "Replaced" | "Draining" | "Removed"
  readonly target: GuardedEndpoint
}

/**
 * The endpoints of a relay.
 *
 * @category models
 * @since 0.1.0
 */
export interface Registry {
  /** Adds an endpoint; refused when the id is taken. */
  readonly add: (options: Endpoint.Options) => Effect.Effect<void, Configuration.InvalidConfiguration>
  /** Puts another endpoint in the place of the one with the same id, with a clean slate. */
  readonly replace: (
    options: Endpoint.Options
  ) => Effect.Effect<void, Configuration.InvalidConfiguration | EndpointNotFound>
  /** Sends it no new calls; succeeds when those under way have ended. It stays, until it is removed. */
  readonly drain: (id: string) => Effect.Effect<void, EndpointNotFound>
  /** Takes it out at once; calls under way finish. */
  readonly remove: (id: string) => Effect.Effect<void, EndpointNotFound>
  readonly get: (id: string) => Effect.Effect<GuardedEndpoint, EndpointNotFound>
  readonly all: () => Iterable<GuardedEndpoint>
  /** Succeeds at the next change of the set. */
  readonly nextChange: Effect.Effect<void>
  /** Whether any endpoint serves a model, draining ones included. */
  readonly knows: (model: string) => boolean
  /** Whether a call may still be sent to it: not replaced, removed or draining. */
  readonly isCurrent: (target: GuardedEndpoint) => boolean
  /** The endpoints that serve a model and what a request needs, tier by tier; without a model, all of them. */
  readonly candidates: (model: string | undefined, needs?: Capabilities.Needs) => ReadonlyArray<Lineup.Tier>
}

// calls that leave evenly spaced arrive a little less so
const networkJitter = "250 millis"

const maxEndpoints = 10_000

// an option of a policy, told as an option of the endpoint that overrides it
const under =
  (id: string, option: string) =>
  ({ field, rule, value }: Configuration.InvalidConfiguration): Configuration.InvalidConfiguration =>
    new Configuration.InvalidConfiguration({ subject: `Endpoint "${id}"`, field: `${option}.${field}`, value, rule })

/**
 * A registry without endpoints.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly breaker: CircuitBreaker.CircuitBreaker
  readonly bulkhead: Bulkhead.Bulkhead
  readonly limiter: RateLimiter.RateLimiter
  readonly rules: Guarded.Rules
  readonly peers: Peers.Rules
  readonly onChange: (change: Change) => void
}): Registry => {
  const targets = new Map<string, GuardedEndpoint>()
  const accounts = new Map<string, Account.Account>()
  const onNext = new Set<() => void>()
  const lineup = Lineup.make(() => targets.values(), options.peers)

  const change = (tag: Change["_tag"], target: GuardedEndpoint): void => {
    lineup.clear()
    options.onChange({ _tag: tag, target })
    const waiting = Array.from(onNext)
    onNext.clear()
    for (const resume of waiting) resume()
  }

  const accountOf = (id: string): Account.Account => {
    const account = accounts.get(id) ?? Account.make(id)
    accounts.set(id, account)
    return account
  }

  const forgetAccount = (id: string): void => {
    for (const target of targets.values()) if (target.account.id === id) return
    accounts.delete(id)
  }

  const guard = Effect.fnUntraced(function*(endpoint: Endpoint.Endpoint) {
    const { concurrency, requestsPerMinute, tokensPerMinute } = endpoint.limits
    const limited = requestsPerMinute !== undefined || tokensPerMinute !== undefined
    const breaker = yield* options.breaker.derive(endpoint.id, endpoint.circuitBreaker).pipe(
      Effect.mapError(under(endpoint.id, "circuitBreaker"))
    )
    const bulkhead = yield* options.bulkhead.derive(endpoint.id, {
      tier: endpoint.tier,
      ...(concurrency === undefined ? {} : { maxConcurrent: concurrency }),
      ...endpoint.bulkhead
    }).pipe(Effect.mapError(under(endpoint.id, "bulkhead")))
    const limiter = yield* options.limiter.derive(
      endpoint.id,
      limited
        ? {
          limit: requestsPerMinute ?? "unlimited",
          tokenLimit: tokensPerMinute ?? "unlimited",
          window: "1 minute",
          margin: networkJitter
        }
        : {}
    )
    const account = accountOf(endpoint.account)
    return new GuardedEndpoint(endpoint, account, { breaker, bulkhead, limiter }, options.rules, yield* Now.current)
  })

  // the policies of an endpoint are found under its id in their layers, for as long as it is there
  const adopt = ({ breaker, bulkhead, endpoint: { id }, limiter }: GuardedEndpoint): void => {
    options.breaker.adoptUnsafe(id, breaker)
    options.bulkhead.adoptUnsafe(id, bulkhead)
    options.limiter.adoptUnsafe(id, limiter)
  }

  const forget = ({ breaker, bulkhead, endpoint: { id }, limiter }: GuardedEndpoint): void => {
    options.breaker.forgetUnsafe(id, breaker)
    options.bulkhead.forgetUnsafe(id, bulkhead)
    options.limiter.forgetUnsafe(id, limiter)
  }

  const get = (id: string): Effect.Effect<GuardedEndpoint, EndpointNotFound> =>
    Effect.suspend(() => {
      const target = targets.get(id)
      return target === undefined
        ? Effect.fail(new EndpointNotFound({ id, known: Array.from(targets.keys()).slice(0, 20) }))
        : Effect.succeed(target)
    })

  const refuse = (field: string, value: string, rule: string) =>
    new Configuration.InvalidConfiguration({ subject: "Endpoints", field, value, rule })

  return {
    add: Effect.fnUntraced(function*(description) {
      const endpoint = yield* Endpoint.make(description)
      if (targets.has(endpoint.id)) {
        return yield* refuse("id", JSON.stringify(endpoint.id), "another endpoint has this id")
      }
      if (targets.size >= maxEndpoints) {
        return yield* refuse("length", String(targets.size + 1), `there can be at most ${maxEndpoints} endpoints`)
      }
      const target = yield* guard(endpoint)
      // somebody may have come first while this was checked
      if (targets.has(endpoint.id)) {
        return yield* refuse("id", JSON.stringify(endpoint.id), "another endpoint has this id")
      }
      targets.set(endpoint.id, target)
      adopt(target)
      change("Added", target)
    }),
    replace: Effect.fnUntraced(function*(description) {
      const endpoint = yield* Endpoint.make(description)
      const previous = yield* get(endpoint.id)
      const target = yield* guard(endpoint)
      targets.set(endpoint.id, target)
      forgetAccount(previous.account.id)
      adopt(target)
      change("Replaced", target)
    }),
    drain: (id) =>
      Effect.flatMap(get(id), (target) =>
        Effect.andThen(
          Effect.sync(() => {
            target.startDraining()
            change("Draining", target)
          }),
          target.drained
        )),
    remove: (id) =>
      Effect.map(get(id), (target) => {
        targets.delete(id)
        forgetAccount(target.account.id)
        forget(target)
        change("Removed", target)
      }),
    get,
    all: () => targets.values(),
    nextChange: Effect.callback<void>((resume) => {
      const wake = (): void => resume(Effect.void)
      onNext.add(wake)
      return Effect.sync(() => {
        onNext.delete(wake)
      })
    }),
    knows: (model) => Array.from(targets.values()).some(({ endpoint }) => Lineup.serves(endpoint, model)),
    isCurrent: (target) => !target.isDraining && targets.get(target.endpoint.id) === target,
    candidates: (model, needs) => lineup.candidates(model, needs ?? Capabilities.noNeeds)
  }
}
