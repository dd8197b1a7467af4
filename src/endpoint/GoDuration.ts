/**
 * Durations as Go prints them, such as `1h2m3s`, `7.66s` or `20ms`.
 *
 * @since 0.1.0
 */

const millisByUnit: ReadonlyMap<string, number> = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["µs", 1e-3],
  ["μs", 1e-3],
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000]
])

const part = /(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g

const whole = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|s|m|h))+$/

/**
 * Milliseconds of a duration, or `undefined` for what is none.
 *
 * @category decoding
 * @since 0.1.0
 */
export const parse = (text: string): number | undefined => {
  if (!whole.test(text)) return undefined
  let sum = 0
  for (const [, amount, unit] of text.matchAll(part)) sum += Number(amount) * millisByUnit.get(unit!)!
  return sum
}

const asked = /\b(?:retry|try again) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|s|m|h))+)(?![\w.]*\w)/i

const askedInWords = /\b(?:retry|try again|wait) (?:in |after |for )?(\d{1,9}(?:\.\d{1,9})?) ?(second|minute|hour)s?\b/i

const millisByWord: Readonly<Record<string, number>> = { second: 1000, minute: 60_000, hour: 3_600_000 }

/**
 * Milliseconds that a sentence asks to wait, as in "Please retry in 10h17m5.72s."
 * or "Please wait 30 seconds before retrying."
 *
 * @category decoding
 * @since 0.1.0
 */
export const inSentence = (text: string): number | undefined => {
  const found = asked.exec(text)?.[1]
  if (found !== undefined) return parse(found)
  const words = askedInWords.exec(text)
  return words === null ? undefined : Number(words[1]) * millisByWord[words[2]!.toLowerCase()]!
}
