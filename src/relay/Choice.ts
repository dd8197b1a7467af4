/**
 * One choice among the endpoints of a tier: what is known of the call, and whom it may go to.
 *
 * @since 0.1.0
 */
import type * as Random from "effect/Random"
import * as Capabilities from "../endpoint/Capabilities.ts"
import * as ChatRequest from "../endpoint/ChatRequest.ts"
import type { GuardedEndpoint } from "../endpoint/GuardedEndpoint.ts"
import type * as Lineup from "../endpoint/Lineup.ts"
import type * as TokenEstimator from "../endpoint/TokenEstimator.ts"

/**
 * What a call says of itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Wish {
  /** Calls with the same go to the same endpoint, where the relay is told to. */
  readonly affinity: string | undefined
  readonly model: string | undefined
  /** Whether it is a chat: only of that is it known what is question and what is answer. */
  readonly isChat: boolean
  /** About how many tokens it sends, and how many it allows for the answer; 0 where nobody knows. */
  readonly input: number
  readonly output: number
  /** How many answers it asks for. */
  readonly answers: number
  readonly needs: Capabilities.Needs
}

/**
 * A call that says nothing.
 *
 * @category constants
 * @since 0.1.0
 */
export const noWish: Wish = {
  affinity: undefined,
  model: undefined,
  isChat: false,
  input: 0,
  output: 0,
  answers: 1,
  needs: Capabilities.noNeeds
}

/**
 * The affinity among what a caller gave, in this order; a text that is empty is none.
 *
 * @category getters
 * @since 0.1.0
 */
export const affinityOf = (affinity: unknown, tenant?: unknown): string | undefined => {
  if (typeof affinity === "string" && affinity !== "") return affinity
  return typeof tenant === "string" && tenant !== "" ? tenant : undefined
}

/**
 * A call that is no chat: it says, perhaps, what it is to be kept together with, and for which model it is.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ofOther = (affinity: unknown, model?: string): Wish => {
  const known = affinityOf(affinity)
  return known === undefined && model === undefined ? noWish : { ...noWish, affinity: known, model }
}

/**
 * What a chat says of itself.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ofChat = (
  request: ChatRequest.ChatRequest,
  estimator: TokenEstimator.TokenEstimator,
  affinity: unknown,
  tenant?: unknown
): Wish => {
  const { input, output } = ChatRequest.estimate(request, estimator)
  return {
    affinity: affinityOf(affinity, tenant),
    model: request.model,
    isChat: true,
    input,
    output,
    answers: ChatRequest.answers(request),
    needs: Capabilities.neededBy(request, input + output)
  }
}

/**
 * One choice.
 *
 * @category models
 * @since 0.1.0
 */
export interface Choice {
  readonly tried: ReadonlySet<GuardedEndpoint>
  readonly now: number
  readonly random: Random.Random
  readonly wish: Wish
  /** Whether degraded endpoints will do. */
  isLastResort: boolean
  /** How many more endpoints of the tier may be looked at. */
  looks: number
}

/**
 * Why a strategy chooses as it does, in words.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reasons {
  /** Of the one it chose: why the call goes there. */
  readonly chosen: string
  /** Of another of the tier: why it does not. */
  readonly passedOver: string
  /** What changes that. */
  readonly changes: string
  /** Whether it looks at what an endpoint has to do. */
  readonly isByLoad: boolean
}

/**
 * A way to choose among the endpoints of a tier; `undefined` when none was found that may be asked. What it keeps of a
 * tier lasts as long as the tier is the same.
 *
 * @category models
 * @since 0.1.0
 */
export interface Strategy {
  /** What the relay's `balance` calls it; `"function"` for one of the user's own. */
  readonly name: string
  readonly pick: (tier: Lineup.Tier, choice: Choice) => GuardedEndpoint | undefined
  readonly reasons: (wish: Wish) => Reasons
  /** Why it does not choose this one of a tier, where that is not for the reasons above; `rivals` would take the call. */
  readonly passesOver?: (
    target: GuardedEndpoint,
    rivals: ReadonlyArray<GuardedEndpoint>,
    now: number
  ) => Pick<Reasons, "passedOver" | "changes"> | undefined
  /** One that chooses alike from here on and leaves no trace in this one; absent where choosing leaves none. */
  readonly rehearse?: () => Strategy
}

/**
 * How many endpoints of a tier are looked at for one choice, however many there are.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxLooks = 64

/**
 * Whether the call may go to an endpoint; counts as a look.
 *
 * @category guards
 * @since 0.1.0
 */
export const mayAsk = (self: Choice, target: GuardedEndpoint): boolean => {
  self.looks--
  return !self.tried.has(target) && (self.isLastResort || !target.isDegraded(self.now))
}

/**
 * The first that may be asked from some place on, for as many looks as are left.
 *
 * @category getters
 * @since 0.1.0
 */
export const search = (self: Choice, tier: Lineup.Tier): GuardedEndpoint | undefined => {
  const start = Math.floor(self.random.nextDoubleUnsafe() * tier.length)
  for (let step = 0; step < tier.length && self.looks > 0; step++) {
    const target = tier[(start + step) % tier.length]!
    if (mayAsk(self, target)) return target
  }
  return undefined
}
