/**
 * The body of a request, up to a limit.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as HttpServerError from "effect/http/HttpServerError"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Stream from "effect/Stream"

/**
 * A body is longer than it may be.
 *
 * @category errors
 * @since 0.1.0
 */
export class BodyTooLarge extends Data.TaggedError("BodyTooLarge")<{ readonly maxBytes: number }> {}

const join = (pieces: ReadonlyArray<Uint8Array>, size: number): Uint8Array => {
  if (pieces.length === 1) return pieces[0]!
  const whole = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.byteLength
  }
  return whole
}

/**
 * Reads the body. One that is too long is refused before it is read, where its
 * length is told, and else as soon as it has passed the limit.
 *
 * @category getters
 * @since 0.1.0
 */
export const read = (
  request: HttpServerRequest.HttpServerRequest,
  maxBytes: number
): Effect.Effect<Uint8Array, BodyTooLarge | HttpServerError.HttpServerError> =>
  Effect.suspend(() => {
    const tooLarge = Effect.fail(new BodyTooLarge({ maxBytes }))
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) return tooLarge
    const pieces: Array<Uint8Array> = []
    let size = 0
    return request.stream.pipe(
      Stream.runForEach((piece) => {
        size += piece.byteLength
        if (size > maxBytes) return tooLarge
        pieces.push(piece)
        return Effect.void
      }),
      Effect.map(() => join(pieces, size))
    )
  })
