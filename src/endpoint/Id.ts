/**
 * What an endpoint may be called.
 *
 * @since 0.1.0
 */
import * as Configuration from "../policy/Configuration.ts"

// it goes into headers, URL-encoded, and into lines of logs
const isId = (value: unknown): value is string =>
  typeof value === "string" && value.trim() !== "" && !/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(value)

/**
 * A text on one line.
 *
 * @category fields
 * @since 0.1.0
 */
export const field = Configuration.field(
  isId,
  "it has to be a text that is not empty, without line breaks, control characters and halves of characters"
)
