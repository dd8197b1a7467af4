/**
 * One circuit at work: asks the machine before each call, tells it how the call
 * ended, and tells whoever watches.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import * as CallStats from "../machine/CallStats.ts"
import * as Circuit from "../machine/Circuit.ts"
import type * as CircuitBreakerOptions from "./CircuitBreakerOptions.ts"
import type { CircuitHandle, Family, Isolation } from "./CircuitHandle.ts"
import { CircuitOpen } from "./CircuitOpen.ts"
import * as CircuitRefusal from "./CircuitRefusal.ts"
import type * as CircuitSnapshot from "./CircuitSnapshot.ts"
import * as CircuitWatch from "./CircuitWatch.ts"
import * as Classification from "./Classification.ts"
import * as InvalidArgument from "./InvalidArgument.ts"
import * as Keyed from "./Keyed.ts"
import * as Now from "./Now.ts"
import * as Policy from "./Policy.ts"
import * as SavedCircuit from "./SavedCircuit.ts"
import * as Verdict from "./Verdict.ts"

/**
 * What all circuits with the same options share.
 *
 * @category models
 * @since 0.1.0
 */
export interface Blueprint {
  readonly maxKeys: number
  readonly settings: CircuitBreakerOptions.Settings
  readonly rules: Circuit.Rules
  readonly classification: Classification.Classification
}

// the right to a call that no circuit counts
const uncounted: Circuit.Ticket = { epoch: -1, probe: 0 }

const nobody: ReadonlyArray<CircuitWatch.Listener> = []

class WorkingCircuit extends Keyed.Sibling<CircuitHandle, CircuitBreakerOptions.Options, CircuitSnapshot.Snapshot>
  implements CircuitHandle
{
  readonly key: string
  readonly #plan: Blueprint
  readonly #all: CircuitWatch.Listeners
  #protect: Policy.Policy<CircuitOpen> | undefined
  #own: ReadonlyArray<CircuitWatch.Listener> = nobody
  #circuit: Circuit.Circuit
  #mode: CircuitBreakerOptions.Mode
  #refused: CircuitRefusal.CircuitRefusal | undefined
  #openings = 0
  #spared = 0

  constructor(
    key: string,
    plan: Blueprint,
    family: Family,
    all: CircuitWatch.Listeners
  ) {
    super(family)
    this.key = key
    this.#plan = plan
    this.#all = all
    this.#circuit = Circuit.closed(0, plan.rules)
    this.#mode = plan.settings.mode
  }

  // it may be passed on alone, so it is a function of its own; made on first use, as a relay needs none
  get protect(): Policy.Policy<CircuitOpen> {
    return this.#protect ??= Policy.make(
      <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | CircuitOpen, R> =>
        Effect.withFiber((fiber) => {
          if (this.#isPlain()) return this.#callPlainly(self, fiber)
          const refusal = this.#refusalAtOnce(fiber)
          return refusal === undefined ? this.#call(self) : refusal
        }),
      () => ({ _tag: "CircuitBreaker", key: this.key })
    )
  }

  get slowCallDuration(): number {
    return this.#plan.settings.slowCallDuration
  }

  get state(): Effect.Effect<CircuitSnapshot.Snapshot> {
    return Effect.map(Now.current, (now) => this.snapshotUnsafe(now))
  }

  get transitions(): Stream.Stream<CircuitSnapshot.Transition> {
    return CircuitWatch.stream((listener) => this.watchUnsafe(listener))
  }

  get allTransitions(): Stream.Stream<CircuitSnapshot.Transition> {
    return CircuitWatch.stream((listener) => {
      this.#all.add(listener)
      return () => this.#all.delete(listener)
    })
  }

  get isolate(): Effect.Effect<Isolation> {
    return Effect.map(Now.current, (now) => {
      const isolated = Circuit.isolate(this.#circuit, now)
      this.#move(isolated)
      let isHeld = true
      return {
        release: Effect.map(Now.current, (now) => {
          if (!isHeld) return
          isHeld = false
          this.#move(Circuit.release(this.#circuit, isolated.epoch, now, this.#plan.rules))
        })
      }
    })
  }

  get isolateScoped(): Effect.Effect<Isolation, never, Scope.Scope> {
    return Effect.acquireRelease(this.isolate, ({ release }) => release)
  }

  get reset(): Effect.Effect<void> {
    return Effect.map(Now.current, (now) => this.#move(Circuit.reset(this.#circuit, now, this.#plan.rules)))
  }

  get enforce(): Effect.Effect<void> {
    return this.#enter("enforce")
  }

  get observe(): Effect.Effect<void> {
    return this.#enter("observe")
  }

  get disable(): Effect.Effect<void> {
    return this.#enter("off")
  }

  get save(): Effect.Effect<SavedCircuit.Saved> {
    return Effect.withFiberSucceed((fiber) =>
      SavedCircuit.save(this.key, this.#circuit, Now.clockOf(fiber), this.#plan.rules)
    )
  }

  // a getter, so that it can be handed on as a function
  get restore(): (saved: unknown) => Effect.Effect<void, InvalidArgument.InvalidArgument> {
    return (saved) =>
      Effect.withFiber((fiber) => {
        const next = SavedCircuit.restore(this.key, saved, this.#circuit, Now.clockOf(fiber), this.#plan.rules)
        if (next instanceof InvalidArgument.InvalidArgument) return Effect.fail(next)
        this.#move(next)
        return Effect.void
      })
  }

  admitUnsafe(now: number): Circuit.Ticket | CircuitOpen {
    if (this.#mode === "off" && this.#circuit._tag !== "Isolated") return uncounted
    const [verdict, next] = Circuit.admit(this.#circuit, now, this.#plan.rules)
    if (next !== this.#circuit) this.#move(next)
    if (Circuit.isTicket(verdict)) return verdict
    if (this.#mode === "observe" && verdict.reason !== "Isolated") {
      this.#spared++
      return uncounted
    }
    return this.#refuse(verdict.reason, verdict.retryAfter).error
  }

  refusalUnsafe(now: number): CircuitOpen | undefined {
    if (this.#mode !== "enforce" && this.#circuit._tag !== "Isolated") return undefined
    const [verdict] = Circuit.admit(this.#circuit, now, this.#plan.rules)
    return Circuit.isTicket(verdict) ? undefined : this.#refuse(verdict.reason, verdict.retryAfter).error
  }

  settleUnsafe(ticket: Circuit.Ticket, outcome: Circuit.Outcome, now: number, random: number, hint?: number): void {
    // nothing is counted, but a probe that was let out before gives its place back
    const counted = this.#mode === "off" ? "Ignored" : outcome
    this.#move(Circuit.settle(this.#circuit, ticket, counted, now, random, this.#plan.rules, hint))
  }

  snapshotUnsafe(now: number): CircuitSnapshot.Snapshot {
    const circuit = this.#circuit
    return {
      key: this.key,
      state: Circuit.current(circuit, now),
      mode: this.#mode,
      suspicion: this.suspicionUnsafe(now),
      share: Circuit.share(circuit, now, this.#plan.rules),
      openings: this.#openings,
      spared: this.#spared,
      ...(circuit._tag === "Open" && circuit.until > now
        ? { because: circuit.because, retryAfter: Math.ceil(circuit.until - now) }
        : {})
    }
  }

  suspicionUnsafe(now: number): number {
    return Circuit.suspicion(this.#circuit, now, this.#plan.rules)
  }

  // evidence too is a verdict in the making, openings lengthen the next one, and a mode that was set by hand is
  // somebody's will; whoever watches is not to be left with a circuit that nobody uses any more
  isIdleUnsafe(now: number): boolean {
    const { rules, settings } = this.#plan
    // a whole share is let pass by none but a closed one
    return this.suspicionUnsafe(now) < 1 && Circuit.openings(this.#circuit, now, rules) === 0 &&
      Circuit.share(this.#circuit, now, rules) === 1 && this.#mode === settings.mode && this.#own.length === 0
  }

  watchUnsafe(listener: CircuitWatch.Listener): () => void {
    this.#own = [...this.#own, listener]
    return () => this.unwatchUnsafe(listener)
  }

  unwatchUnsafe(listener: CircuitWatch.Listener): void {
    this.#own = this.#own.filter((other) => other !== listener)
  }

  #enter(mode: CircuitBreakerOptions.Mode): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#mode = mode
    })
  }

  #move(next: Circuit.Circuit): void {
    const previous = this.#circuit
    this.#circuit = next
    if (next._tag === previous._tag) return
    if (next._tag === "Open") this.#openings++
    if (this.#all.size === 0 && this.#own.length === 0) return
    const transition: CircuitSnapshot.Transition = {
      key: this.key,
      from: previous._tag,
      to: next._tag,
      ...(next._tag === "Open" ? { because: next.because } : {}),
      // what is held open by hand refuses in every mode
      observed: this.#mode !== "enforce" && next._tag !== "Isolated" && previous._tag !== "Isolated"
    }
    for (const listener of this.#all) listener(transition)
    for (const listener of this.#own) listener(transition)
  }

  #refuse(reason: Circuit.Refusal["reason"], wait: number | undefined): CircuitRefusal.CircuitRefusal {
    return this.#refused = CircuitRefusal.make(this.key, reason, wait, this.#refused)
  }

  // where nothing can be taken, nothing has to be given back
  #refusalAtOnce(fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<never, CircuitOpen> | undefined {
    const circuit = this.#circuit
    if (circuit._tag === "Isolated") return this.#refuse("Isolated", undefined).fail
    if (circuit._tag !== "Open" || this.#mode !== "enforce") return undefined
    const wait = circuit.until - Now.read(Now.clockOf(fiber))
    return wait > 0 ? this.#refuse("Open", wait).fail : undefined
  }

  #isPlain(): boolean {
    return this.#circuit._tag === "Closed" && this.#circuit.ramp === undefined && this.#mode !== "off"
  }

  // a closed circuit gives nothing that an interrupt could lose: its finalizer may come late, and be skipped then
  #callPlainly<A, E, R>(self: Effect.Effect<A, E, R>, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<A, E, R> {
    const { epoch, ticket } = this.#circuit as Circuit.Closed
    const { settings } = this.#plan
    const startedAt = settings.slowCallDuration === Infinity ? 0 : Now.read(Now.clockOf(fiber))
    return Effect.onExitPrimitive(
      self,
      (exit) => {
        if (
          exit._tag === "Success" && settings.slowCallDuration === Infinity && settings.classify === "standard" &&
          this.#hasNothingToLearn(epoch)
        ) return undefined
        this.#end(ticket, exit, startedAt, fiber)
        return undefined
      },
      true
    )
  }

  #hasNothingToLearn(epoch: number): boolean {
    const circuit = this.#circuit
    return circuit.epoch !== epoch ||
      (circuit._tag === "Closed" && circuit.openings === 0 && CallStats.isClean(circuit.stats))
  }

  #call<A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | CircuitOpen, R> {
    let ticket: Circuit.Ticket | undefined
    let startedAt = 0
    let caller: Fiber.Fiber<unknown, unknown> | undefined
    // the finalizer stands before the ticket is taken: no interrupt can fall between the two
    return Effect.onExitPrimitive(
      Effect.withFiber((fiber): Effect.Effect<A, E | CircuitOpen, R> => {
        startedAt = Now.read(Now.clockOf(fiber))
        const verdict = this.admitUnsafe(startedAt)
        if (verdict instanceof CircuitOpen) return Effect.fail(verdict)
        ticket = verdict
        caller = fiber
        return self
      }),
      (exit) => {
        if (ticket !== undefined) this.#end(ticket, exit, startedAt, caller!)
        return undefined
      }
    )
  }

  #end(
    ticket: Circuit.Ticket,
    exit: Exit.Exit<unknown, unknown>,
    startedAt: number,
    fiber: Fiber.Fiber<unknown, unknown>
  ): void {
    const now = Now.read(fiber.getRef(Clock.Clock))
    const outcome = Classification.classify(this.#plan.classification, exit)
    if (outcome !== "Failure") {
      const isSlow = outcome === "Success" && now - startedAt > this.#plan.settings.slowCallDuration
      return this.settleUnsafe(ticket, isSlow ? "Slow" : outcome, now, isSlow ? chance(fiber) : 0)
    }
    const failure = Classification.failureOf(exit)
    this.settleUnsafe(
      ticket,
      outcome,
      now,
      chance(fiber),
      failure === undefined ? undefined : Verdict.hintOf(failure.error)
    )
  }
}

const chance = (fiber: Fiber.Fiber<unknown, unknown>): number => fiber.getRef(Random.Random).nextDoubleUnsafe()

/**
 * A circuit of a family.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  key: string,
  plan: Blueprint,
  family: Family,
  all: CircuitWatch.Listeners
): CircuitHandle => new WorkingCircuit(key, plan, family, all)
