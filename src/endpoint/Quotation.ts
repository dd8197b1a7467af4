/**
 * What may be repeated of somebody else's text: a line of it, without secrets.
 *
 * @since 0.1.0
 */

const longestDetail = 300

// what a longer text begins with is enough to quote from
const longestQuoted = 16_384

// a server may give a secret back as it came, or escaped for JSON, once or twice, or for a URL
const patternOf = (secret: string): RegExp => {
  const escaped = Array.from(secret, (character) => {
    if (/[0-9A-Za-z]/.test(character)) return character
    const hex = character.charCodeAt(0).toString(16).padStart(2, "0")
    return `\\\\*(?:\\x${hex}|%${hex}|u00${hex}|&#(?:x0*${hex}|0*${character.charCodeAt(0)});)`
  })
  return new RegExp(escaped.join(""), "gi")
}

/**
 * The beginning of a text as one line, with every secret taken out in whatever
 * way it was escaped.
 *
 * @category encoding
 * @since 0.1.0
 */
export const quote = (text: string, secrets: ReadonlyArray<string>): string => {
  const redacted = secrets.reduce(
    (text, secret) => secret === "" ? text : text.replace(patternOf(secret), "<redacted>"),
    text.slice(0, longestQuoted)
  )
  // half a secret may stand where the text was cut, each character of it escaped in up to eight
  const longestSecret = secrets.reduce((longest, { length }) => Math.max(longest, length), 0)
  const safe = text.length > longestQuoted ? redacted.slice(0, -8 * longestSecret || undefined) : redacted
  const line = safe.replace(/\s+/g, " ").trim()
  return line.length > longestDetail ? `${line.slice(0, longestDetail)}…` : line
}
