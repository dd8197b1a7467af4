/**
 * What an endpoint said about single models: not now, or not here.
 *
 * @since 0.1.0
 */

/**
 * One model's pause. `refusals` in a row lengthen the next one where the service gives no hint.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pause {
  readonly because: "RateLimited" | "ModelNotFound"
  readonly until: number
  /** When it was imposed or last lengthened. */
  readonly since: number
  readonly refusals: number
}

/**
 * The pauses by model.
 *
 * @category models
 * @since 0.1.0
 */
export type ModelPauses = Map<string, Pause>

// model names come from callers; more than these at once is no real endpoint
const maxModels = 256

const firstPause = 1000
const longestGuess = 60_000
const longestPause = 300_000
const recheckModel = 600_000

const keep = (self: ModelPauses, model: string, pause: Pause): void => {
  self.delete(model)
  if (self.size >= maxModels) self.delete(self.keys().next().value!)
  self.set(model, pause)
}

/**
 * Notes a 429 to a call sent at `sentAt`: the longest pause known stands, and none is longer than five minutes.
 *
 * @category transitions
 * @since 0.1.0
 */
export const rateLimited = (
  self: ModelPauses,
  model: string,
  hint: number | undefined,
  sentAt: number,
  now: number
): void => {
  const known = self.get(model)
  // calls that were under way together are refused together: that is one refusal
  const isNew = known === undefined || sentAt > known.since
  const refusals = isNew ? Math.min(16, (known?.refusals ?? 0) + 1) : known.refusals
  const wait = Math.min(longestPause, hint ?? Math.min(longestGuess, firstPause * 2 ** (refusals - 1)))
  const until = isNew || hint !== undefined ? Math.max(known?.until ?? 0, now + wait) : known.until
  keep(self, model, { because: "RateLimited", until, since: isNew ? now : known.since, refusals })
}

/**
 * Forgets a pause, for an answer to a call that was sent after it was imposed.
 *
 * @category transitions
 * @since 0.1.0
 */
export const answered = (self: ModelPauses, model: string, sentAt: number): void => {
  const known = self.size === 0 ? undefined : self.get(model)
  if (known !== undefined && sentAt > known.since) self.delete(model)
}

/**
 * Notes that the endpoint does not serve the model; it is asked again after ten minutes.
 *
 * @category transitions
 * @since 0.1.0
 */
export const notFound = (self: ModelPauses, model: string, now: number): void =>
  keep(self, model, { because: "ModelNotFound", until: now + recheckModel, since: now, refusals: 0 })

/**
 * The pause in force at `now`.
 *
 * @category getters
 * @since 0.1.0
 */
export const current = (self: ModelPauses, model: string, now: number): Pause | undefined => {
  const pause = self.size === 0 ? undefined : self.get(model)
  return pause !== undefined && now < pause.until ? pause : undefined
}

/**
 * When the first of the pauses in force at `now` ends; `undefined` if there is none.
 *
 * @category getters
 * @since 0.1.0
 */
export const soonest = (self: ModelPauses, now: number): number | undefined => {
  let soonest: number | undefined
  for (const { until } of self.values()) {
    if (now < until && (soonest === undefined || until < soonest)) soonest = until
  }
  return soonest
}
