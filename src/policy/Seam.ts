/**
 * The seam between a decision and the effect it was made for.
 *
 * The run loop lets other fibers in between any two operations, and an
 * interrupt may fall there: then the decision stands and the effect never
 * began. It does so after a known number of operations, so a decision that
 * would be the last of them can be put off until the others have had their turn.
 *
 * @since 0.1.0
 */
import type * as Fiber from "effect/Fiber"

/**
 * Whether other fibers have their turn before the next operation of this one,
 * as a scheduler that counts operations has it.
 *
 * @category getters
 * @since 0.1.0
 */
export const isNext = (fiber: Fiber.Fiber<unknown, unknown>): boolean =>
  fiber.currentOpCount + 1 >= fiber.cache.maxOpsBeforeYield && !fiber.cache.preventYield
