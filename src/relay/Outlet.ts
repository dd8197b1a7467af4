/**
 * The way out for the chunks of a call, to whoever listens in another fiber.
 *
 * A listener that waits is resumed by the chunk itself, at once: a queue would
 * wake it a turn of the event loop later, for each token of a model. Chunks that
 * nobody waits for are kept, and hold the call up once there are enough.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"

type Taken<A, E> = Exit.Exit<Array<A> & [A, ...Array<A>], E | Cause.Done>

/**
 * One outlet, of one who speaks. Whoever listens gets all that nobody has heard.
 *
 * @category models
 * @since 0.1.0
 */
export class Outlet<A, E> {
  /** Called when somebody has taken what was kept. */
  onRoom: (() => void) | undefined
  readonly #capacity: number
  #kept: Array<A> = []
  #end: Exit.Exit<never, E | Cause.Done> | undefined
  /** Whoever waits for chunks, first come first: an iterator may be asked for more before it has given any. */
  readonly #listeners = new Set<(taken: Taken<A, E>) => void>()
  #speaker: ((exit: Exit.Exit<void>) => void) | undefined

  /** As many chunks can be kept before whoever speaks has to wait; those of one packet are never parted. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Whether whoever listens has fallen behind. */
  get isFull(): boolean {
    return this.#kept.length > this.#capacity
  }

  /** Hands chunks on: an effect where whoever listens has fallen behind, which lasts until it has taken them. */
  say(chunks: ReadonlyArray<A>): Effect.Effect<void> | undefined {
    if (chunks.length === 0 || this.#end !== undefined) return undefined
    for (const chunk of chunks) this.#kept.push(chunk)
    this.#serve()
    return this.isFull ? this.#hasRoom : undefined
  }

  /** Nothing comes any more; what is kept is still heard. */
  end(exit: Exit.Exit<void, E>): void {
    if (this.#end !== undefined) return
    this.#end = Exit.isSuccess(exit) ? Exit.fail(Cause.Done()) : Exit.failCause(exit.cause)
    this.#serve()
  }

  /** What comes next. */
  readonly pull: Pull.Pull<[A, ...Array<A>], E> = Effect.suspend(() => this.#take() ?? this.#next)

  readonly #next: Pull.Pull<[A, ...Array<A>], E> = Effect.callback((resume) => {
    this.#listeners.add(resume)
    return Effect.sync(() => {
      this.#listeners.delete(resume)
    })
  })

  readonly #hasRoom: Effect.Effect<void> = Effect.callback((resume) => {
    if (!this.isFull) return resume(Effect.void)
    this.#speaker = resume
    return Effect.sync(() => {
      this.#speaker = undefined
    })
  })

  #take(): Taken<A, E> | undefined {
    const taken = this.#kept.length === 0 ? this.#end : Exit.succeed(this.#kept as [A, ...Array<A>])
    this.#kept = []
    this.#tell()
    return taken
  }

  /** Whoever speaks runs at once, and may have more to say before it waits: it is told when what was kept is out of its way. */
  #tell(): void {
    const speaker = this.#speaker
    this.#speaker = undefined
    speaker?.(Exit.void)
    this.onRoom?.()
  }

  #serve(): void {
    // the first takes all that is there, and the end is for everybody
    for (const listener of this.#listeners) {
      const kept = this.#kept
      if (kept.length === 0 && this.#end === undefined) return
      this.#listeners.delete(listener)
      this.#kept = []
      listener(kept.length === 0 ? this.#end! : Exit.succeed(kept as [A, ...Array<A>]))
      this.#tell()
    }
  }
}
