/**
 * Those who iterate streams without knowing Effect, and what ends them from
 * outside.
 *
 * A stream that is only asked for its next chunk would hear of its end there: a
 * listener who is busy with the last one would keep the connection open.
 *
 * @since 0.1.0
 */
import * as Stream from "effect/Stream"

/** One iteration. It begins with the first `next`. */
class Listener<A> implements AsyncIterator<A, undefined> {
  readonly #chunks: AsyncIterator<A>
  readonly #listeners: Set<Listener<unknown>>
  readonly #signal: AbortSignal | undefined
  #end: { readonly reason: unknown; readonly closed: Promise<unknown> } | undefined
  #hasBegun = false
  #last: Promise<unknown> = Promise.resolve()

  constructor(chunks: AsyncIterator<A>, listeners: Set<Listener<unknown>>, signal: AbortSignal | undefined) {
    this.#chunks = chunks
    this.#listeners = listeners
    this.#signal = signal
  }

  /** One after the other, however many are asked for at once. */
  next(): Promise<IteratorResult<A, undefined>> {
    const next = this.#last.then(() => this.#next())
    this.#last = next.catch(() => undefined)
    return next
  }

  async #next(): Promise<IteratorResult<A, undefined>> {
    if (!this.#hasBegun) this.#begin()
    try {
      const next = await this.#chunks.next()
      if (next.done !== true && this.#end === undefined) return next
    } catch (failure) {
      if (this.#end === undefined) {
        this.#leave()
        throw failure
      }
    }
    this.#leave()
    const end = this.#end
    this.#end = undefined
    if (end === undefined) return { done: true, value: undefined }
    await end.closed
    throw end.reason
  }

  async return(): Promise<IteratorResult<A, undefined>> {
    this.#hasBegun = true
    this.#end = undefined
    this.#leave()
    await this.#chunks.return?.()
    return { done: true, value: undefined }
  }

  /** Closes the stream, now; whoever asks for the next chunk is told the reason. */
  async hangUp(reason: unknown): Promise<void> {
    this.#leave()
    // what closing dies of says less than the reason does
    this.#end ??= { reason, closed: Promise.resolve(this.#chunks.return?.()).catch(() => undefined) }
    await this.#end.closed
  }

  readonly #onAbort = (): void => {
    void this.hangUp(this.#signal?.reason)
  }

  #begin(): void {
    this.#hasBegun = true
    this.#listeners.add(this)
    if (this.#signal?.aborted === true) this.#onAbort()
    else this.#signal?.addEventListener("abort", this.#onAbort, { once: true })
  }

  #leave(): void {
    this.#listeners.delete(this)
    this.#signal?.removeEventListener("abort", this.#onAbort)
  }
}

/**
 * All who listen to the streams of one owner.
 *
 * @category models
 * @since 0.1.0
 */
export class Listeners {
  readonly #listeners = new Set<Listener<unknown>>()

  /** Runs the stream anew for each who iterates; the signal closes it at once, and its reason is thrown. */
  iterable<A, E>(stream: Stream.Stream<A, E>, signal: AbortSignal | undefined): AsyncIterable<A> {
    const chunks = Stream.toAsyncIterable(stream)
    return {
      [Symbol.asyncIterator]: () => new Listener(chunks[Symbol.asyncIterator](), this.#listeners, signal)
    }
  }

  /** Closes all that are open; done when what they held has been given back. */
  async hangUp(reason: unknown): Promise<void> {
    await Promise.all(Array.from(this.#listeners, (listener) => listener.hangUp(reason)))
  }
}
