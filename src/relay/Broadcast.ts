/**
 * The chunks of one call, for all who wait for it.
 *
 * Who comes late gets what came so far, in fewer pieces. Nobody waits for a slow listener but the call for the quickest:
 * what the others have not heard is kept for them, no more than the answer is long.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { Company } from "./Company.ts"
import type { Delivery } from "./Delivery.ts"
import type { Outlet } from "./Outlet.ts"
import { Recording } from "./Recording.ts"
import type * as RelayError from "./RelayError.ts"
import type * as StreamChunk from "./StreamChunk.ts"

/**
 * Whoever waits.
 *
 * @category models
 * @since 0.1.0
 */
export type Listener = Pick<Outlet<StreamChunk.StreamChunk, RelayError.StreamError>, "isFull" | "onRoom" | "say">

/**
 * One broadcast.
 *
 * @category models
 * @since 0.1.0
 */
export class Broadcast {
  readonly recording = new Recording()
  readonly company = new Company()
  #delivery: Delivery | undefined
  readonly #listeners = new Set<Listener>()
  #speaker: ((exit: Effect.Effect<void>) => void) | undefined

  /** When the first chunk came, if one has. */
  get spokeAt(): number | undefined {
    return this.#delivery?.committedAt
  }

  /** The call begins. */
  begin(delivery: Delivery): void {
    this.#delivery = delivery
  }

  /** What it fails with for whoever waits no longer. */
  failure(failure: RelayError.RelayError): RelayError.StreamError {
    return this.#delivery === undefined ? failure : this.#delivery.failure(failure)
  }

  /** Somebody listens, from the beginning. */
  enter(listener: Listener): void {
    this.#listeners.add(listener)
    listener.onRoom = () => this.#goOn()
    listener.say(this.recording.chunks)
    this.#goOn()
  }

  /** Somebody listens no longer. */
  leave(listener: Listener): void {
    if (!this.#listeners.delete(listener)) return
    listener.onRoom = undefined
    this.#goOn()
  }

  /** Hands chunks on: an effect where everybody has fallen behind, which lasts until somebody has taken them. */
  say(chunks: ReadonlyArray<StreamChunk.StreamChunk>): Effect.Effect<void> | undefined {
    // they go to many: nobody is to change what the others hear
    for (const chunk of chunks) Object.freeze(chunk)
    this.recording.add(chunks)
    // who hears something runs at once, and others may come who get it from the record, or leave
    for (const listener of Array.from(this.#listeners)) if (this.#listeners.has(listener)) listener.say(chunks)
    return this.#isHeard() ? undefined : this.#hasRoom
  }

  readonly #hasRoom: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.#isHeard()) return resume(Effect.void)
    this.#speaker = resume
    return Effect.sync(() => {
      this.#speaker = undefined
    })
  })

  #isHeard(): boolean {
    if (this.#listeners.size === 0) return true
    for (const listener of this.#listeners) if (!listener.isFull) return true
    return false
  }

  #goOn(): void {
    const speaker = this.#speaker
    if (speaker === undefined || !this.#isHeard()) return
    this.#speaker = undefined
    speaker(Effect.void)
  }
}
