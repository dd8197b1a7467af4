/**
 * Makes expected failures cheaply.
 *
 * Taking a stack trace and validating fields that our own code just computed
 * cost ten times the decision they report. What comes out is a real `Error` of
 * the given class, without a stack.
 *
 * @since 0.1.0
 */

// V8's; elsewhere it is an ordinary property that nobody reads
const engine = Error as { stackTraceLimit?: number | undefined }

interface ErrorClass<Fields, E> {
  new(fields: Fields): E
  readonly identifier: string
}

/**
 * An instance of a `Schema.TaggedError` class from fields known to be right.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <Fields extends object, E extends Error>(
  errorClass: ErrorClass<Fields, E>,
  fields: NoInfer<Fields>
): E => {
  const limit = engine.stackTraceLimit
  engine.stackTraceLimit = 0
  const error = Reflect.construct(Error, [], errorClass) as E & Record<string, unknown>
  engine.stackTraceLimit = limit
  // one by one, which is cheaper than to assign them all
  const own: Record<string, unknown> = error
  own._tag = errorClass.identifier
  for (const field in fields) own[field] = fields[field]
  return error
}
