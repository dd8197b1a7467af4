/** What no file under `src/` may do, whatever its floor, and what every export says about itself. */
import { importsOf, type SourceFile, type Token, tokenize } from "./Source.ts"

/** Ways to learn the time, to wait or to draw a number that no test could control, each with what to use instead. */
const forbidden: ReadonlyArray<readonly [code: string, instead: string]> = [
  ["Date . now", "Clock, or take `now` as an argument"],
  ["new Date ( )", "Clock, or take `now` as an argument"],
  ["performance", "Clock, or take `now` as an argument"],
  ["hrtime", "Clock, or take `now` as an argument"],
  ["setTimeout", "Effect.sleep"],
  ["setInterval", "Effect.repeat"],
  ["setImmediate", "Effect.yieldNow"],
  ["AbortSignal . timeout", "Effect.timeout"],
  ["Math . random", "Random, or take the number as an argument"],
  ["randomUUID", "Random"],
  ["getRandomValues", "Random"],
  ["process .", "Config: the package also runs where there is no process"]
]

const declarations = new Set(["const", "let", "var", "function", "class", "interface", "type", "enum", "namespace"])

/** What breaks the rules, one line each: `path:line what is wrong`. */
export const check = (files: ReadonlyArray<SourceFile>): ReadonlyArray<string> =>
  files.flatMap(({ path, source }) => {
    const tokens = tokenize(source)
    return [...impurities(tokens), ...strangers(tokens), ...residue(source), ...undocumented(path, tokens)]
      .map(([line, what]) => `${path}:${line} ${what}`)
  })

type Finding = readonly [line: number, what: string]

const impurities = (tokens: ReadonlyArray<Token>): ReadonlyArray<Finding> =>
  forbidden.flatMap(([code, instead]) => {
    const words = code.split(" ")
    return tokens.flatMap((token, start): ReadonlyArray<Finding> => {
      const matches = words.every((word, offset) => {
        const at = tokens[start + offset]
        return at !== undefined && at.text === word && (at.kind === "word" || at.kind === "punctuation")
      })
      // `this.process.id` is a property of ours, `globalThis.process.env` is not.
      const isMember = words[0] === "process" && tokens[start - 1]?.text === "." &&
        tokens[start - 2]?.text !== "globalThis"
      return matches && !isMember ? [[token.line, `uses ${words.join("").replace("new", "new ")}: use ${instead}`]] : []
    })
  })

const strangers = (tokens: ReadonlyArray<Token>): ReadonlyArray<Finding> =>
  importsOf(tokens)
    .filter(({ specifier }) => !/^\.|^effect(\/|$)/.test(specifier))
    .map(({ line, specifier }) => [line, `imports ${specifier}, but effect is the only dependency`])

const residue = (source: string): ReadonlyArray<Finding> =>
  source.split("\n").flatMap((text, index): ReadonlyArray<Finding> => {
    const note = /\b(TODO|FIXME)\b/.exec(text)
    return note === null ? [] : [[index + 1, `holds a ${note[0]}`]]
  })

const isDoc = (text: string | undefined): text is string => text?.startsWith("/**") === true

const undocumented = (path: string, tokens: ReadonlyArray<Token>): ReadonlyArray<Finding> => {
  if (path.endsWith("/index.ts")) return []
  const findings: Array<Finding> = []
  const [first] = tokens
  const head = first?.comments[0]?.text
  // A single comment before an export that opens the file is the export's, not the file's.
  const isHead = isDoc(head) && head.includes("@since") && !(first!.text === "export" && first!.comments.length < 2)
  if (!isHead) findings.push([1, "does not start with a module comment that has @since"])

  const seen = new Set<string>()
  const demand = (name: string, token: Token): void => {
    const doc = token.comments.at(-1)?.text
    const missing = ["@since", "@category"].filter((tag) => !isDoc(doc) || !doc.includes(tag))
    if (missing.length > 0) findings.push([token.line, `exports ${name} without ${missing.join(" and ")}`])
  }
  let depth = 0
  tokens.forEach((token, index) => {
    if (token.kind === "template") {
      depth += token.text.endsWith("${") ? 1 : 0
      depth -= token.text.startsWith("}") ? 1 : 0
    }
    if (token.kind === "punctuation") depth += "({[".includes(token.text) ? 1 : ")}]".includes(token.text) ? -1 : 0
    if (depth > 0 || token.kind !== "word" || token.text !== "export" || tokens[index - 1]?.text === ".") return

    let next = index + 1
    while (["declare", "abstract", "async", "default"].includes(tokens[next]?.text ?? "")) next++
    const keyword = tokens[next]?.text ?? ""
    const after = tokens[next + 1]?.text ?? ""
    if (keyword === "{" || (keyword === "type" && after === "{")) return locals(tokens, next, demand)
    if (!declarations.has(keyword)) {
      if (tokens[index + 1]?.text === "default") demand("default", token)
      return
    }
    const name = after === "*" ? tokens[next + 2]!.text : after
    // The overloads of a function share the comment of the first.
    if (keyword === "function" && seen.has(name)) return
    if (keyword === "function") seen.add(name)
    demand(name, token)
  })
  return findings
}

/** `export { a as b }`, with no `from`, exports symbols of this file: each stands behind its own comment. */
const locals = (tokens: ReadonlyArray<Token>, start: number, demand: (name: string, token: Token) => void): void => {
  const open = tokens[start]!.text === "{" ? start : start + 1
  const close = tokens.findIndex((token, index) => index > open && token.text === "}")
  if (tokens[close + 1]?.text === "from") return
  for (let index = open + 1; index < close; index++) {
    if ([",", "{"].includes(tokens[index - 1]!.text)) demand(tokens[index]!.text, tokens[index]!)
  }
}
