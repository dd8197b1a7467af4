/**
 * The time by which a call has to have ended, known to everything it passes.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"

export {
  /**
   * The error of a call whose time is up.
   *
   * @category errors
   * @since 0.1.0
   */
  DeadlineExceeded
} from "./DeadlineExceeded.ts"

/**
 * The deadline of the running fiber: milliseconds on the scale of `Now.read`,
 * `Infinity` where there is none.
 *
 * @category references
 * @since 0.1.0
 */
export const CurrentDeadline: Context.Reference<number> = Context.Reference<number>(
  "effect-relay/policy/Deadline",
  { defaultValue: () => Infinity }
)

/**
 * Milliseconds that a fiber has left at `now`; `Infinity` without a deadline.
 *
 * @category getters
 * @since 0.1.0
 */
export const leftUnsafe = (fiber: Fiber.Fiber<unknown, unknown>, now: number): number =>
  fiber.getRef(CurrentDeadline) - now
