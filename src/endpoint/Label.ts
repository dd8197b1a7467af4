/**
 * Names that are unlike any other's.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/**
 * 104 bits of chance, in letters and digits.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<string> = Effect.map(
  Effect.all([Random.next, Random.next]),
  (parts) => parts.map((part) => Math.floor(part * 2 ** 52).toString(36).padStart(11, "0")).join("")
)
