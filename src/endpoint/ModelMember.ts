/**
 * Puts another model into the JSON of a request and leaves every other byte as
 * the caller wrote it: a number too long for JavaScript stays what it was.
 *
 * @since 0.1.0
 */

const quote = 0x22
const backslash = 0x5c

// a pattern would keep a place to come back to for each character of a picture in base64
const endOfText = (json: string, start: number): number => {
  let at = start + 1
  while (json.charCodeAt(at) !== quote) at += json.charCodeAt(at) === backslash ? 2 : 1
  return at + 1
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

const skipSpace = (json: string, start: number): number => {
  let at = start
  while (isSpace(json.charCodeAt(at))) at++
  return at
}

/**
 * The JSON of an object, known to be JSON, with `model` in the place of every
 * text that the object itself holds under that name.
 *
 * @category encoding
 * @since 0.1.0
 */
export const replace = (json: string, model: string): string => {
  const written = JSON.stringify(model)
  let result = ""
  let copied = 0
  let depth = 0
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case "{":
      case "[":
        depth++
        break
      case "}":
      case "]":
        depth--
        break
      case "\"": {
        const end = endOfText(json, at)
        const colon = skipSpace(json, end)
        const value = skipSpace(json, colon + 1)
        const isModel = depth === 1 && json[colon] === ":" && json[value] === "\"" &&
          JSON.parse(json.slice(at, end)) === "model"
        at = (isModel ? endOfText(json, value) : end) - 1
        if (isModel) {
          result += json.slice(copied, value) + written
          copied = at + 1
        }
      }
    }
  }
  return result + json.slice(copied)
}
