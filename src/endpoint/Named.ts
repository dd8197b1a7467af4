/**
 * Records whose names have a rule of their own, which a schema for the names
 * would not tell: a name that it does not take is one that it does not know.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A record of such values under such names.
 *
 * @category schemas
 * @since 0.1.0
 */
export const record = <Value extends Schema.Constraint>(
  isName: (name: string) => boolean,
  rule: string,
  value: Value
) =>
  Schema.Record(Schema.String, value).check(Schema.makeFilter((fields) => {
    const wrong = Object.keys(fields).find((name) => !isName(name))
    return wrong === undefined || { path: [wrong], issue: rule }
  }))
