/**
 * A chat completion request, as OpenAI-compatible APIs take it.
 *
 * @since 0.1.0
 */
import * as TokenEstimator from "./TokenEstimator.ts"

/**
 * One message of a conversation. Everything an API knows beside these goes through as it is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Message {
  readonly role: string
  readonly content?: unknown
  readonly [field: string]: unknown
}

/**
 * The request. Every field beside these goes to the endpoint as it is.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChatRequest {
  readonly model: string
  readonly messages: ReadonlyArray<Message>
  /** From 0 to 2; only 0 makes an answer worth keeping. */
  readonly temperature?: number | undefined
  readonly max_tokens?: number | undefined
  readonly max_completion_tokens?: number | undefined
  readonly [field: string]: unknown
}

/**
 * What is wrong with a request that cannot be sent, or `undefined`.
 *
 * @category guards
 * @since 0.1.0
 */
export const flaw = (request: ChatRequest): string | undefined => {
  if (typeof request !== "object" || request === null) return "the request has to be an object"
  if (typeof request.model !== "string" || request.model === "") return "model has to be a text that is not empty"
  if (!Array.isArray(request.messages) || request.messages.length === 0) {
    return "messages has to be a list with at least one message"
  }
  // some APIs take 1, or "true", for a wish as well
  return (request["stream"] ?? false) === false ? undefined : "stream has to be left out: chat answers as a whole"
}

/**
 * The body of a request, for whichever model it is sent to.
 *
 * @category models
 * @since 0.1.0
 */
export type Body = (model: string) => string

/**
 * Writes the request, once: what its owner does to it later reaches no attempt.
 * Throws what `JSON.stringify` throws.
 *
 * @category encoding
 * @since 0.1.0
 */
export const write = (request: ChatRequest): Body => {
  const members = JSON.stringify({ ...request, model: undefined }).slice(1)
  return (model) => `{"model":${JSON.stringify(model)},${members}`
}

const tokensIn = (content: unknown, model: string, estimator: TokenEstimator.TokenEstimator): number => {
  if (typeof content === "string") return estimator.tokensOf(content, model)
  if (!Array.isArray(content)) return 0
  return content.reduce<number>((sum, part) => sum + tokensIn(part?.text, model, estimator), 0)
}

/**
 * A rough count of the tokens of a request, and of the longest answer it allows: 0 if it sets no bound.
 *
 * @category models
 * @since 0.1.0
 */
export interface Estimate {
  readonly input: number
  readonly output: number
}

/**
 * A rough count of the tokens a request will use; what is not text is not counted.
 *
 * @category getters
 * @since 0.1.0
 */
export const estimate = (request: ChatRequest, estimator = TokenEstimator.builtIn): Estimate => {
  const { messages, model } = request
  const prompt = messages.reduce((sum, message) => sum + tokensIn(message?.content, model, estimator), 0)
  const answer = request.max_completion_tokens ?? request.max_tokens ?? 0
  return {
    // what an answer reports corrects it afterwards
    input: Math.ceil(prompt),
    output: Number.isFinite(answer) && answer > 0 ? Math.ceil(answer) : 0
  }
}

/**
 * How many answers it asks for: its `n`, or 1.
 *
 * @category getters
 * @since 0.1.0
 */
export const answers = (request: ChatRequest): number => {
  const n = request["n"]
  return Number.isSafeInteger(n) ? Math.max(1, Number(n)) : 1
}

/**
 * The same in one number, the longest answer included.
 *
 * @category getters
 * @since 0.1.0
 */
export const estimateTokens = (request: ChatRequest, estimator = TokenEstimator.builtIn): number => {
  const { input, output } = estimate(request, estimator)
  return input + output
}
