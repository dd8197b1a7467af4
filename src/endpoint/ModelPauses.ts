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
 * Notes a 429: the longest pause known stands, and none is longer than five minutes.
 *
 * @category transitions
 * @since 0.1.0
 */
export const rateLimited = (self: ModelPauses, model: string, hint: number | undefined, now: number): void => {
  const known = self.get(model)
  const refusals = Math.min(16, (known?.refusals ?? 0) + 1)
  const wait = Math.min(longestPause, hint ?? Math.min(longestGuess, firstPause * 2 ** (refusals - 1)))
  keep(self, model, { because: "RateLimited", until: Math.max(known?.until ?? 0, now + wait), refusals })
}

/**
 * Notes that the endpoint does not serve the model; it is asked again after ten minutes.
 *
 * @category transitions
 * @since 0.1.0
 */
export const notFound = (self: ModelPauses, model: string, now: number): void =>
  keep(self, model, { because: "ModelNotFound", until: now + recheckModel, refusals: 0 })

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
 * Whether any model is paused at `now`.
 *
 * @category getters
 * @since 0.1.0
 */
export const any = (self: ModelPauses, now: number): boolean => {
  for (const pause of self.values()) if (now < pause.until) return true
  return false
}
