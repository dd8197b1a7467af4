/**
 * One stream under way: what it has said, whether it is alive, and whether
 * whoever reads it keeps up.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Pulse from "../machine/Pulse.ts"
import * as Now from "../policy/Now.ts"
import type * as Fault from "./Fault.ts"
import type * as GuardedEndpoint from "./GuardedEndpoint.ts"
import type * as StreamPiece from "./StreamPiece.ts"
import { Transcript } from "./Transcript.ts"

/**
 * Takes what came; an effect holds the endpoint up until it has ended. `model`
 * is whoever answers.
 *
 * @category models
 * @since 0.1.0
 */
export type Listener = (
  pieces: ReadonlyArray<StreamPiece.StreamPiece>,
  model: string
) => Effect.Effect<void> | undefined

/**
 * What is asked of a stream.
 *
 * @category models
 * @since 0.1.0
 */
export interface Terms {
  /** The endpoint's own name for the model. */
  readonly model: string
  readonly rule: Pulse.Rule
  /** What was said before, which this goes on from. */
  readonly before: string
  readonly onPieces: Listener
}

// how long usage and the end may take once the model has stopped, and how long the body's end once the stream's was told
const lastWords = 500
const lastBreath = 50

/**
 * One stream under way.
 *
 * @category models
 * @since 0.1.0
 */
export class Course {
  readonly #terms: Terms
  readonly #told: GuardedEndpoint.Told
  readonly #clock: Clock.Clock
  readonly #startedAt: number
  readonly #pulse: Pulse.Pulse
  readonly #wake = Latch.makeUnsafe(false)
  readonly transcript: Transcript

  constructor(terms: Terms, told: GuardedEndpoint.Told, clock: Clock.Clock) {
    this.#terms = terms
    this.#told = told
    this.#clock = clock
    this.#startedAt = Now.read(clock)
    this.#pulse = Pulse.make(this.#startedAt)
    this.transcript = new Transcript(terms.before)
  }

  /** Takes in what came, and hands it on: an effect where that takes time. */
  take(pieces: ReadonlyArray<StreamPiece.StreamPiece>): Effect.Effect<void> | undefined {
    const { transcript } = this
    // what comes after the end is nobody's
    if (pieces.length === 0 || transcript.isDone) return undefined
    const before = transcript.characters
    for (const piece of pieces) transcript.add(piece)
    this.#note(transcript.characters - before)
    const taking = this.#terms.onPieces(pieces, transcript.model ?? this.#terms.model)
    return taking === undefined ? undefined : this.#holding(taking)
  }

  #note(size: number): void {
    const { hasStopped, isDone } = this.transcript
    const now = Now.read(this.#clock)
    if (size > 0) {
      this.#told.firstToken ??= now - this.#startedAt
      if (Pulse.beat(this.#pulse, size, now)) this.#wake.openUnsafe()
    }
    if (!hasStopped && !isDone) return
    if (Pulse.said(this.#pulse, isDone ? lastBreath : lastWords, now)) this.#wake.openUnsafe()
  }

  #holding(taking: Effect.Effect<void>): Effect.Effect<void> {
    return Effect.suspend(() => {
      Pulse.hold(this.#pulse, Now.read(this.#clock))
      return Effect.onExitPrimitive(taking, () => {
        Pulse.resume(this.#pulse, Now.read(this.#clock))
        this.#told.held = this.#pulse.held
        this.#wake.openUnsafe()
        return undefined
      })
    })
  }

  /** Succeeds when all was said and the end has had its time; fails when the stream does not keep to its rule. */
  watch(): Effect.Effect<void, Fault.Fault> {
    return Effect.suspend(() => {
      this.#wake.closeUnsafe()
      const now = Now.read(this.#clock)
      const verdict = Pulse.check(this.#pulse, this.#terms.rule, now)
      if (verdict === "Said") return Effect.void
      if (verdict !== undefined) return Effect.fail(faultOf(verdict, this.#terms.rule))
      const due = Pulse.due(this.#pulse, this.#terms.rule)
      const wait = due === Infinity
        ? this.#wake.await
        : Effect.raceFirst(this.#wake.await, this.#clock.sleep(Duration.millis(Math.ceil(due - now))))
      return Effect.flatMap(wait, () => this.watch())
    })
  }
}

const show = (millis: number): string => Duration.format(Duration.millis(millis))

const faultOf = (verdict: Exclude<Pulse.Verdict, "Said">, rule: Pulse.Rule): Fault.Fault => {
  switch (verdict) {
    case "FirstToken":
      return { _tag: "TimedOut", limit: rule.firstToken }
    case "Idle":
      return { _tag: "Stalled", detail: `no token for ${show(rule.idle)}` }
    case "Slow":
      return { _tag: "Stalled", detail: `fewer than ${rule.characters} characters in ${show(rule.stretch)}` }
  }
}
