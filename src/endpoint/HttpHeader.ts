/**
 * What may stand in a header: anything else is found out only when the first
 * request cannot be sent.
 *
 * @since 0.1.0
 */

/**
 * Whether a text can be the name of a header.
 *
 * @category guards
 * @since 0.1.0
 */
export const isName = (name: unknown): name is string =>
  typeof name === "string" && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)

/**
 * Whether a value can be the value of a header.
 *
 * @category guards
 * @since 0.1.0
 */
export const isValue = (value: unknown): value is string =>
  typeof value === "string" && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
