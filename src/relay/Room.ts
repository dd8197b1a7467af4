/**
 * Whom a request may still fit that was too long for somebody.
 *
 * An estimate decides who is asked at all; what an endpoint says of the request
 * itself is known better, and holds for every window that is no larger.
 *
 * @since 0.1.0
 */
import * as Capabilities from "../endpoint/Capabilities.ts"
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import * as Verdict from "../policy/Verdict.ts"

/**
 * What a call has heard of its length.
 *
 * @category models
 * @since 0.1.0
 */
export interface Room {
  /** The largest window that it did not fit into, in tokens; 0 while nobody said so. */
  tooSmall: number
  /** Those of no known window that it did not fit into. */
  readonly unknown: Set<GuardedEndpoint>
}

const windowOf = ({ endpoint: { capabilities } }: GuardedEndpoint, model: string): number =>
  Capabilities.offerOf(capabilities, model).window

/**
 * What there is to know after a failure of a call for a model.
 *
 * @category transitions
 * @since 0.1.0
 */
export const learn = (
  room: Room | undefined,
  target: GuardedEndpoint,
  model: string | null | undefined,
  failure: unknown
): Room | undefined => {
  // one that says itself that another try helps is believed
  if (typeof model !== "string" || Verdict.tagOf(failure) !== "ContextTooLong" || Verdict.of(failure).again) return room
  const known = room ?? { tooSmall: 0, unknown: new Set() }
  const window = windowOf(target, model)
  if (window === Infinity) known.unknown.add(target)
  else known.tooSmall = Math.max(known.tooSmall, window)
  return known
}

/**
 * Whether the call is known not to fit.
 *
 * @category guards
 * @since 0.1.0
 */
export const isShort = (
  room: Room | undefined,
  target: GuardedEndpoint,
  model: string | null | undefined
): boolean =>
  room !== undefined && typeof model === "string" &&
  (room.unknown.has(target) || windowOf(target, model) <= room.tooSmall)
