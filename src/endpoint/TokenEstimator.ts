/**
 * How many tokens a text has, before anybody has counted them.
 *
 * What is built in goes by the kinds of characters, and takes no longer for a
 * long text than for a short one. Who needs the exact number puts the tokenizer of the model in its place.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"

/**
 * Estimates tokens.
 *
 * @category models
 * @since 0.1.0
 */
export interface TokenEstimator {
  /**
   * About how many tokens a text has, from 0 up, for a model by the name that the caller uses. Fractions are fine: they are
   * rounded up once they are added up.
   */
  readonly tokensOf: (text: string, model: string) => number
}

// quarters of a token, in tenths: against the vocabulary o200k_base, on prose in many scripts (test/endpoint/TokenEstimator)
const perToken = 40

// letters, spaces and signs of ASCII, and its digits, of which three make more than a token
const ascii = Uint8Array.from({ length: 0x80 }, (_, unit) => unit >= 0x30 && unit <= 0x39 ? 16 : 10)

const weightOf = (unit: number): number => {
  if (unit < 0x80) return ascii[unit]!
  // letters with accents
  if (unit < 0x250) return 20
  // other alphabets, among them Greek, Cyrillic, Hebrew, Arabic, those of India, Thai
  if (unit < 0x2e80) return 16
  // Hangul
  if (unit >= 0xac00 && unit <= 0xd7a3) return 26
  // halves of what is further out, such as emoji
  if (unit >= 0xd800 && unit <= 0xdfff) return 40
  // Han and Kana, and what goes with them
  return 32
}

// of a longer text so many characters are looked at, spread evenly
const looked = 1024

/**
 * The estimate that holds where no other is provided.
 *
 * @category constants
 * @since 0.1.0
 */
export const builtIn: TokenEstimator = {
  tokensOf: (text) => {
    const { length } = text
    let weight = 0
    if (length <= looked) {
      for (let at = 0; at < length; at++) weight += weightOf(text.charCodeAt(at))
      return weight / perToken
    }
    const stride = length / looked
    for (let step = 0; step < looked; step++) weight += weightOf(text.charCodeAt(Math.floor(step * stride)))
    return weight * length / (looked * perToken)
  }
}

/**
 * What relays that are built under it estimate by.
 *
 * @category references
 * @since 0.1.0
 */
export const TokenEstimator: Context.Reference<TokenEstimator> = Context.Reference<TokenEstimator>(
  "effect-relay/endpoint/TokenEstimator",
  { defaultValue: () => builtIn }
)

/**
 * One that is total: where a tokenizer throws, or counts what is no count, what is built in stands in for it.
 *
 * @category combinators
 * @since 0.1.0
 */
export const safely = (estimator: TokenEstimator): TokenEstimator =>
  estimator === builtIn ? builtIn : {
    tokensOf: (text, model) => {
      try {
        const tokens = estimator.tokensOf(text, model)
        if (typeof tokens === "number" && tokens >= 0 && tokens < Infinity) return tokens
      } catch {
        // such as of a text that holds a word of its own
      }
      return builtIn.tokensOf(text, model)
    }
  }

/**
 * Puts a tokenizer in the place of what is built in.
 *
 * ```ts no-run
 * import { Layer } from "effect"
 * import { RelayService, TokenEstimator } from "effect-relay"
 *
 * // that of a package for the models you use
 * declare const countTokens: (text: string) => number
 *
 * export const RelayLive = RelayService.layerDefault({
 *   endpoints: [{ id: "openai", baseUrl: "https://api.openai.com/v1" }]
 * }).pipe(Layer.provide(TokenEstimator.layer({ tokensOf: countTokens })))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (estimator: TokenEstimator): Layer.Layer<never> => Layer.succeed(TokenEstimator, estimator)
