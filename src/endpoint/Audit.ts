/**
 * Who changed something, and why: it goes into the event of the change.
 *
 * @since 0.1.0
 */

/**
 * A signature under a change.
 *
 * @category models
 * @since 0.1.0
 */
export interface Signature {
  /** A person, or a program. */
  readonly by?: string | undefined
  readonly reason?: string | undefined
}

/**
 * A signature, or only the reason.
 *
 * @category models
 * @since 0.1.0
 */
export type Audit = Signature | string

/**
 * What there is of a signature, to go into an event.
 *
 * @category constructors
 * @since 0.1.0
 */
export const sign = (audit: Audit | undefined): { readonly by?: string; readonly reason?: string } => {
  const { by, reason } = typeof audit === "string" ? { by: undefined, reason: audit } : audit ?? {}
  return { ...(typeof by === "string" ? { by } : {}), ...(typeof reason === "string" ? { reason } : {}) }
}
