/**
 * One bulkhead at work: gives calls their slots, takes them back, and shows
 * itself.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { BulkheadFull } from "./BulkheadFull.ts"
import type * as BulkheadOptions from "./BulkheadOptions.ts"
import type * as BulkheadSnapshot from "./BulkheadSnapshot.ts"
import * as Call from "./Call.ts"
import * as Demand from "./Demand.ts"
import * as InvalidArgument from "./InvalidArgument.ts"
import * as Keyed from "./Keyed.ts"
import * as Policy from "./Policy.ts"
import { Slots } from "./Slots.ts"

/**
 * A bulkhead for its own key, and one for every key of `at`.
 *
 * The `Unsafe` members decide synchronously; they are for code that asks several
 * policies in one step, as the relay does. Whoever takes a slot gives it back, once.
 *
 * @category models
 * @since 0.1.0
 */
export interface BulkheadHandle
  extends Keyed.Family<BulkheadHandle, BulkheadOptions.Options, BulkheadSnapshot.Snapshot>
{
  readonly key: string
  /**
   * Runs an effect in a slot, waiting for one if it has to. The slot is held
   * until the effect's finalizers have run; an interrupted call gives back its
   * slot or its place before the interrupt returns.
   *
   * Who waits is refused later only when `maxWait` or its deadline has passed:
   * nobody has to leave for somebody who matters more, and a full queue refuses
   * newcomers of every priority.
   */
  readonly protect: Policy.Policy<BulkheadFull>
  /**
   * As `protect`, for a call of another priority than `"normal"` or of a weight
   * above 1. One of more slots than are free keeps its turn until they are.
   */
  readonly protectWith: (demand: Demand.Demand) => Policy.Policy<BulkheadFull | InvalidArgument.InvalidArgument>
  /**
   * From now on so many calls may run at once, and an adaptive limit goes on
   * from there. More serves those that wait; fewer lets calls end, and stops none.
   */
  readonly resize: (maxConcurrent: number) => Effect.Effect<void, InvalidArgument.InvalidArgument>
  readonly state: Effect.Effect<BulkheadSnapshot.Snapshot>
  /** Forgets what was learned: limit, waits, order. Calls that run keep their slots, calls that wait their places. */
  readonly reset: Effect.Effect<void>
  /** Whether a slot is free and nobody waits for it. */
  readonly hasRoomUnsafe: () => boolean
  /** Takes a slot if `hasRoomUnsafe`. */
  readonly takeUnsafe: () => boolean
  readonly releaseUnsafe: () => void
  readonly refusalUnsafe: (reason: BulkheadFull["reason"]) => BulkheadFull
  /** Whether nobody runs or waits, and no hand has changed the limit. */
  readonly isIdleUnsafe: () => boolean
  /** Whether a failure is one that an adaptive limit shrinks at. */
  readonly isDropUnsafe: (error: unknown) => boolean
  /**
   * Tells an adaptive limit how long a call took that succeeded or was dropped,
   * before its slot is released. Of other failures, and of calls that were
   * interrupted, it is told nothing.
   */
  readonly sampleUnsafe: (rtt: number, isDropped: boolean, now: number) => void
  /**
   * Waits in the queue for a slot. `onSlot` is called in the step that takes it;
   * from then on it is the caller's to give back.
   */
  readonly awaitSlot: (onSlot: () => void) => Effect.Effect<void, BulkheadFull>
  readonly snapshotUnsafe: () => BulkheadSnapshot.Snapshot
}

// a limit that is learned may grow: the worst case is the widest it can be
const describe = ({ key, limit, settings: { adaptive, maxQueued, maxWait }, widest }: Slots) =>
  ({ _tag: "Bulkhead", key, maxConcurrent: adaptive === "off" ? limit : widest, maxQueued, maxWait }) as const

const guard = (slots: Slots): BulkheadHandle["protect"] =>
  Policy.make(
    <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | BulkheadFull, R> =>
      Call.run(slots, self, Demand.usual),
    () => describe(slots)
  )

type Guarded<A, E, R> = Effect.Effect<A, E | BulkheadFull | InvalidArgument.InvalidArgument, R>

const guardWith = (slots: Slots, demand: Demand.Demand): ReturnType<BulkheadHandle["protectWith"]> => {
  const claim = Demand.decode(demand)
  return Policy.make(<A, E, R>(self: Effect.Effect<A, E, R>): Guarded<A, E, R> => {
    if (claim instanceof InvalidArgument.InvalidArgument) return Effect.fail(claim)
    const call = Call.run(slots, self, claim)
    if (claim.weight === 1) return call
    // whether a weight ever fits is asked at every call: the limit may have changed
    return Effect.suspend((): Guarded<A, E, R> =>
      claim.weight > slots.widest ? Effect.fail(Demand.tooHeavy(claim.weight, slots.widest)) : call
    )
  }, () => describe(slots))
}

class Handle extends Keyed.Sibling<BulkheadHandle, BulkheadOptions.Options, BulkheadSnapshot.Snapshot>
  implements BulkheadHandle
{
  readonly #slots: Slots
  #protect: BulkheadHandle["protect"] | undefined
  #protectWith: BulkheadHandle["protectWith"] | undefined

  constructor(
    slots: Slots,
    family: Keyed.Family<BulkheadHandle, BulkheadOptions.Options, BulkheadSnapshot.Snapshot>
  ) {
    super(family)
    this.#slots = slots
  }

  get key(): string {
    return this.#slots.key
  }

  // both may be passed on alone, so they are functions of their own: made on first use, as most keys need one
  get protect(): BulkheadHandle["protect"] {
    return this.#protect ??= guard(this.#slots)
  }

  get protectWith(): BulkheadHandle["protectWith"] {
    const slots = this.#slots
    return this.#protectWith ??= (demand) => guardWith(slots, demand)
  }

  get state(): Effect.Effect<BulkheadSnapshot.Snapshot> {
    return Effect.sync(() => this.#slots.snapshot())
  }

  get reset(): Effect.Effect<void> {
    return Effect.sync(() => this.#slots.reset())
  }

  resize(maxConcurrent: number): Effect.Effect<void, InvalidArgument.InvalidArgument> {
    return Effect.suspend(() => {
      const refusal = this.#slots.resize(maxConcurrent)
      return refusal === undefined ? Effect.void : Effect.fail(refusal)
    })
  }

  awaitSlot(onSlot: () => void): Effect.Effect<void, BulkheadFull> {
    return Call.awaitSlot(this.#slots, onSlot)
  }

  hasRoomUnsafe(): boolean {
    return this.#slots.hasRoom(1)
  }

  takeUnsafe(): boolean {
    return this.#slots.take(1)
  }

  releaseUnsafe(): void {
    this.#slots.release(1)
  }

  refusalUnsafe(reason: BulkheadFull["reason"]): BulkheadFull {
    return this.#slots.refusal(reason)
  }

  isIdleUnsafe(): boolean {
    return this.#slots.isIdle
  }

  isDropUnsafe(error: unknown): boolean {
    return this.#slots.isDrop(error)
  }

  sampleUnsafe(rtt: number, isDropped: boolean, now: number): void {
    this.#slots.sample(rtt, isDropped, now)
  }

  snapshotUnsafe(): BulkheadSnapshot.Snapshot {
    return this.#slots.snapshot()
  }
}

/**
 * A bulkhead of a family.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  key: string,
  settings: BulkheadOptions.Settings,
  family: Keyed.Family<BulkheadHandle, BulkheadOptions.Options, BulkheadSnapshot.Snapshot>
): BulkheadHandle => new Handle(new Slots(key, settings), family)
