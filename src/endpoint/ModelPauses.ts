/**
 * What an endpoint said about single models: not now, or not here.
 *
 * @since 0.1.0
 */

import * as Pause from "./Pause.ts"

/**
 * One model's pause.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModelPause extends Pause.Pause {
  readonly because: "RateLimited" | "ModelNotFound"
}

/**
 * The pauses by model.
 *
 * @category models
 * @since 0.1.0
 */
export type ModelPauses = Map<string, ModelPause>

// model names come from callers; more than these at once is no real endpoint
const maxModels = 256

const recheckModel = 600_000

const keep = (self: ModelPauses, model: string, pause: ModelPause): void => {
  self.delete(model)
  if (self.size >= maxModels) self.delete(self.keys().next().value!)
  self.set(model, pause)
}

/**
 * Notes a 429 to a call sent at `sentAt`, and returns when its pause ends.
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
): number => {
  const pause = Pause.lengthen(self.get(model), hint, sentAt, now)
  keep(self, model, { ...pause, because: "RateLimited" })
  return pause.until
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
export const current = (self: ModelPauses, model: string, now: number): ModelPause | undefined => {
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
