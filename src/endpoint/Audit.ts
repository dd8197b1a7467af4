/**
 * Who changed something, and why: it goes into the event of the change.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Arguments from "../policy/Arguments.ts"
import { InvalidArgument } from "../policy/InvalidArgument.ts"
import * as Rejection from "../policy/Rejection.ts"

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
 * A change that can be signed. A signature that is none is refused, and so is what names no endpoint, and nothing
 * changes.
 *
 * @category models
 * @since 0.1.0
 */
export type Change<Subject, E> = (subject: Subject, audit?: Audit) => Effect.Effect<void, E | InvalidArgument>

const rules: Arguments.Rules<Signature> = { by: Arguments.text, reason: Arguments.text }

const flawOf = (audit: unknown): Arguments.Flaw | undefined => {
  if (typeof audit === "string") return undefined
  const flaw = Arguments.flawOf("audit", audit, rules)
  return flaw?.argument === "audit" ? { ...flaw, rule: "it has to be a text, or an object with by or reason" } : flaw
}

const noFlaw = () => undefined

/**
 * The change of this name, begun for nothing but a sound subject and under nothing but a sound signature.
 *
 * @category combinators
 * @since 0.1.0
 */
export const signed = <Subject, E>(
  name: string,
  change: (subject: Subject, audit?: Audit) => Effect.Effect<void, E>,
  subjectFlaw: (subject: unknown) => Arguments.Flaw | undefined = noFlaw
): Change<Subject, E> =>
(subject, audit) =>
  Effect.suspend((): Effect.Effect<void, E | InvalidArgument> => {
    const flaw = subjectFlaw(subject) ?? flawOf(audit)
    return flaw === undefined
      ? change(subject, audit)
      : Effect.fail(Rejection.make(InvalidArgument, { subject: `RelayService.endpoints.${name}`, ...flaw }))
  })

/**
 * What there is of a signature, to go into an event.
 *
 * @category constructors
 * @since 0.1.0
 */
export const sign = (audit: Audit | undefined): { readonly by?: string; readonly reason?: string } => {
  const { by, reason }: Signature = typeof audit === "string" ? { reason: audit } : audit ?? {}
  return { ...(by === undefined ? {} : { by }), ...(reason === undefined ? {} : { reason }) }
}
