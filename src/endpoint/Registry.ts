/**
 * The endpoints of a relay, which can change while calls are under way.
 *
 * A call that was admitted finishes where it is. A change that cannot work is
 * refused and the old set stays.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Arguments from "../policy/Arguments.ts"
import * as Configuration from "../policy/Configuration.ts"
import * as Now from "../policy/Now.ts"
import type * as RateLimiter from "../policy/RateLimiter.ts"
import * as Accounts from "./Accounts.ts"
import * as Audit from "./Audit.ts"
import * as Capabilities from "./Capabilities.ts"
import * as Endpoint from "./Endpoint.ts"
import type { EndpointNotFound } from "./EndpointNotFound.ts"
import * as EndpointPolicies from "./EndpointPolicies.ts"
import type * as Fitness from "./Fitness.ts"
import { GuardedEndpoint } from "./GuardedEndpoint.ts"
import * as Lineup from "./Lineup.ts"
import type * as Peers from "./Peers.ts"
import { Revision } from "./Revision.ts"
import * as Selection from "./Selection.ts"

export {
  /**
   * No endpoint of the relay has this id, or none is of this account.
   *
   * @category errors
   * @since 0.1.0
   */
  EndpointNotFound
} from "./EndpointNotFound.ts"

export {
  /**
   * Candidates of one tier.
   *
   * @category models
   * @since 0.1.0
   */
  type Tier
} from "./Lineup.ts"

export {
  /**
   * An endpoint by its id, or all the endpoints that an account has now.
   *
   * @category models
   * @since 0.1.0
   */
  type Subject
} from "./Selection.ts"

/**
 * A change of the set, or somebody taking an endpoint in hand, as told to whoever watches.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change {
  readonly _tag: "Added" | "Replaced" | "Draining" | "Removed" | "Isolated" | "Reset"
  readonly target: GuardedEndpoint
  /** Whose place a replacement took. */
  readonly previous?: GuardedEndpoint | undefined
  readonly by?: string
  readonly reason?: string
}

/**
 * The endpoints of a relay.
 *
 * @category models
 * @since 0.1.0
 */
export interface Registry {
  /** Adds an endpoint; refused when the id is taken. */
  readonly add: Audit.Change<Endpoint.Options, Configuration.InvalidConfiguration>
  /**
   * Puts another endpoint in the place of the one with the same id, with a clean
   * slate. One with the same description keeps its state, and nothing changes,
   * unless it is draining: then it is put back.
   */
  readonly replace: Audit.Change<Endpoint.Options, Configuration.InvalidConfiguration | EndpointNotFound>
  /**
   * Makes this the whole set, in one step: an endpoint with the same description
   * stays as it is (open, isolated, draining), one with another is replaced, one
   * that is missing is removed. One that cannot work refuses them all.
   */
  readonly set: Audit.Change<ReadonlyArray<Endpoint.Options>, Configuration.InvalidConfiguration>
  /** Sends no new calls; succeeds when those under way have ended. It stays, until it is removed or replaced. */
  readonly drain: Audit.Change<Selection.Subject, EndpointNotFound>
  /** Takes it out at once, also the last one; calls under way finish. */
  readonly remove: Audit.Change<string, EndpointNotFound>
  /** Holds the circuit open until `reset`. */
  readonly isolate: Audit.Change<Selection.Subject, EndpointNotFound>
  /**
   * Closes the circuit and forgets all that was held against the endpoint: its
   * pauses and, for whoever shares them, its key refused and its account
   * exhausted or paused.
   */
  readonly reset: Audit.Change<Selection.Subject, EndpointNotFound>
  readonly get: (id: string) => Effect.Effect<GuardedEndpoint, EndpointNotFound>
  /** As `get`, without an effect. */
  readonly find: (id: string) => GuardedEndpoint | undefined
  readonly all: () => Iterable<GuardedEndpoint>
  /** The changes of the set. */
  readonly revision: Revision
  /** Whether any endpoint serves a model, draining ones included. */
  readonly knows: (model: string) => boolean
  readonly isEmpty: () => boolean
  /** Whether a call may still be sent to it: not replaced, removed or draining. */
  readonly isCurrent: (target: GuardedEndpoint) => boolean
  /**
   * The endpoints that serve a model and what a request needs, tier by tier; without a model, all of them; for `null`,
   * all that have a URL.
   */
  readonly candidates: (model: string | null | undefined, needs?: Capabilities.Needs) => ReadonlyArray<Lineup.Tier>
}

const maxEndpoints = 10_000

/**
 * A registry without endpoints.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly policies: EndpointPolicies.EndpointPolicies
  /** The limiters of accounts that have limits of their own. */
  readonly accounts: ReadonlyMap<string, RateLimiter.RateLimiter>
  readonly fitness: Fitness.Rules
  readonly peers: Peers.Rules
  readonly onChange: (change: Change) => void
}): Registry => {
  let targets = new Map<string, GuardedEndpoint>()
  const accounts = new Accounts.Accounts(options.accounts)
  const revision = new Revision()
  const lineup = Lineup.make(() => targets.values(), options.peers)

  const tell = (
    tag: Change["_tag"],
    target: GuardedEndpoint,
    audit: Audit.Audit | undefined,
    previous?: GuardedEndpoint
  ): void => options.onChange({ _tag: tag, target, previous, ...Audit.sign(audit) })

  const touch = (): void => {
    revision.number++
    lineup.clear()
  }

  const put = (
    endpoint: Endpoint.Endpoint,
    policies: EndpointPolicies.EndpointPolicies,
    now: number,
    audit: Audit.Audit | undefined
  ): void => {
    const previous = targets.get(endpoint.id)
    // joined before the other leaves: what is known of the account and the key stays
    const target = new GuardedEndpoint(
      endpoint,
      accounts.join(endpoint, policies.limiter),
      policies,
      options.fitness,
      now
    )
    if (previous !== undefined) accounts.leave(previous.endpoint, previous.limiter)
    targets.set(endpoint.id, target)
    EndpointPolicies.adopt(options.policies, endpoint.id, policies)
    touch()
    tell(previous === undefined ? "Added" : "Replaced", target, audit, previous)
  }

  const drop = (target: GuardedEndpoint, audit: Audit.Audit | undefined): void => {
    const { id } = target.endpoint
    targets.delete(id)
    accounts.leave(target.endpoint, target.limiter)
    EndpointPolicies.forget(options.policies, id, target)
    touch()
    tell("Removed", target, audit)
  }

  // `set` puts another map in the place of this one
  const get = (id: string) => Effect.suspend(() => Selection.one(targets, id))

  const select = (subject: Selection.Subject) => Effect.suspend(() => Selection.all(targets, accounts, subject))

  // an interrupt does not leave half an account behind
  const control = (
    name: "isolate" | "reset",
    tag: "Isolated" | "Reset",
    act: (target: GuardedEndpoint, now: number) => Effect.Effect<unknown>
  ) =>
    Audit.signed(name, (subject: Selection.Subject, audit) =>
      Effect.uninterruptible(
        Effect.flatMap(select(subject), (selected) =>
          Effect.flatMap(Now.current, (now) =>
            Effect.forEach(selected, (target) => {
              tell(tag, target, audit)
              return act(target, now)
            }, { discard: true })))
      ), Selection.flawOf)

  const refuse = (field: string, value: string, rule: string) =>
    new Configuration.InvalidConfiguration({ subject: "Endpoints", field, value, rule })

  const tooMany = (length: number) => refuse("length", String(length), `there can be at most ${maxEndpoints} endpoints`)

  const taken = (id: string) => refuse("id", JSON.stringify(id), "another endpoint has this id")

  const has = (endpoint: Endpoint.Endpoint): boolean => Equal.equals(targets.get(endpoint.id)?.endpoint, endpoint)

  const derive = (endpoint: Endpoint.Endpoint) => EndpointPolicies.derive(options.policies, endpoint)

  return {
    add: Audit.signed(
      "add",
      Effect.fnUntraced(function*(description, audit) {
        const endpoint = yield* Endpoint.make(description)
        const policies = yield* derive(endpoint)
        const now = yield* Now.current
        if (targets.has(endpoint.id)) return yield* taken(endpoint.id)
        if (targets.size >= maxEndpoints) return yield* tooMany(targets.size + 1)
        put(endpoint, policies, now, audit)
        revision.wake()
      })
    ),
    replace: Audit.signed(
      "replace",
      Effect.fnUntraced(function*(description, audit) {
        const endpoint = yield* Endpoint.make(description)
        const policies = yield* derive(endpoint)
        const now = yield* Now.current
        const previous = yield* get(endpoint.id)
        if (has(endpoint) && !previous.isDraining) return
        put(endpoint, policies, now, audit)
        revision.wake()
      })
    ),
    set: Audit.signed(
      "set",
      Effect.fnUntraced(function*(descriptions, audit) {
        if (!Array.isArray(descriptions)) {
          return yield* refuse("endpoints", Arguments.show(descriptions), "it has to be a list of endpoints")
        }
        if (descriptions.length === 0) return yield* refuse("length", "0", "there has to be at least one endpoint")
        if (descriptions.length > maxEndpoints) return yield* tooMany(descriptions.length)
        const wanted = new Map<string, Endpoint.Endpoint>()
        for (const description of descriptions) {
          const endpoint = yield* Endpoint.make(description)
          if (wanted.has(endpoint.id)) return yield* taken(endpoint.id)
          wanted.set(endpoint.id, endpoint)
        }
        while (true) {
          const seen = revision.number
          const prepared = new Map<Endpoint.Endpoint, EndpointPolicies.EndpointPolicies>()
          for (const endpoint of wanted.values()) if (!has(endpoint)) prepared.set(endpoint, yield* derive(endpoint))
          const now = yield* Now.current
          // somebody may have changed the set meanwhile
          if (revision.number !== seen) continue
          for (const target of Array.from(targets.values())) if (!wanted.has(target.endpoint.id)) drop(target, audit)
          for (const [endpoint, policies] of prepared) put(endpoint, policies, now, audit)
          targets = new Map(Array.from(wanted.keys(), (id) => [id, targets.get(id)!]))
          touch()
          return revision.wake()
        }
      })
    ),
    drain: Audit.signed("drain", (subject, audit) =>
      Effect.flatMap(select(subject), (selected) => {
        for (const target of selected) {
          target.startDraining()
          touch()
          tell("Draining", target, audit)
        }
        revision.wake()
        return Effect.forEach(selected, (target) => target.drained, { discard: true })
      }), Selection.flawOf),
    remove: Audit.signed("remove", (id, audit) =>
      Effect.map(get(id), (target) => {
        drop(target, audit)
        revision.wake()
      }), Selection.idFlaw),
    isolate: control("isolate", "Isolated", ({ breaker }) => breaker.isolate),
    reset: control("reset", "Reset", ({ breaker, standing }, now) => {
      standing.clear(now)
      return breaker.reset
    }),
    get,
    find: (id) => targets.get(id),
    all: () => targets.values(),
    revision,
    knows: (model) => Array.from(targets.values()).some(({ endpoint }) => Lineup.serves(endpoint, model)),
    isEmpty: () => targets.size === 0,
    isCurrent: (target) => !target.isDraining && targets.get(target.endpoint.id) === target,
    candidates: (model, needs) => lineup.candidates(model, needs ?? Capabilities.noNeeds)
  }
}
