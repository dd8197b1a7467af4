/**
 * Weighs bad calls against good ones and says when the balance is damning.
 *
 * A one-sided CUSUM: a bad call adds one, a good call takes away what the
 * tolerated rate allows, and the sum never falls below zero. It needs one
 * number, has no window to fill, and does not trip on a healthy endpoint.
 *
 * Source: E. S. Page, "Continuous Inspection Schemes", Biometrika 41 (1954).
 *
 * @since 0.1.0
 */

/**
 * How much evidence counts, and how fast it fades.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rule {
  /** Share of bad calls, between 0 and 1, at which evidence neither grows nor shrinks. */
  readonly rate: number
  /** Evidence at which the verdict falls: with nothing but bad calls, their count. */
  readonly limit: number
  /** Milliseconds of silence before evidence starts to fade; it then halves every half of this. */
  readonly forgetAfter: number
}

/**
 * What is held against someone, and when it was last added to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Evidence {
  readonly weight: number
  readonly at: number
}

/**
 * Nothing held against anyone.
 *
 * @category constructors
 * @since 0.1.0
 */
export const none: Evidence = { weight: 0, at: 0 }

/**
 * The weight that is left of the evidence at `now`.
 *
 * @category getters
 * @since 0.1.0
 */
export const weigh = (self: Evidence, now: number, rule: Rule): number => {
  const silence = now - self.at - rule.forgetAfter
  return self.weight === 0 || silence <= 0 ? self.weight : self.weight * 2 ** (-2 * silence / rule.forgetAfter)
}

/**
 * Adds one call. A good call without evidence changes nothing and allocates nothing.
 *
 * @category transitions
 * @since 0.1.0
 */
export const record = (self: Evidence, bad: boolean, now: number, rule: Rule): Evidence => {
  if (!bad && self.weight === 0) return self
  const weight = weigh(self, now, rule) + (bad ? 1 : -rule.rate / (1 - rule.rate))
  return weight <= 0 ? none : { weight, at: now }
}

/**
 * Whether the evidence is enough for a verdict.
 *
 * @category getters
 * @since 0.1.0
 */
export const convicts = (self: Evidence, rule: Rule): boolean => self.weight >= rule.limit
