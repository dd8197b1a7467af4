/**
 * What chance comes from.
 *
 * @since 0.1.0
 */
import * as Configuration from "../policy/Configuration.ts"

// of anything else the draws would see a part only, so that two seeds would be one
const isSeed = (value: unknown): value is number => Number.isSafeInteger(value)

/**
 * A whole number, also one below zero.
 *
 * @category fields
 * @since 0.1.0
 */
export const field = Configuration.field(isSeed, "it has to be a whole number")
