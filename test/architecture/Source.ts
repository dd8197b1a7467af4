/** Reads TypeScript files as tokens, so that the checks beside this file never mistake a comment or a string for code. */
import { readdirSync, readFileSync } from "node:fs"
import { join, relative, sep } from "node:path"

export interface SourceFile {
  /** Relative to the root of the package, with forward slashes. */
  readonly path: string
  readonly source: string
}

export interface Token {
  readonly kind: "word" | "number" | "string" | "template" | "regex" | "punctuation"
  /** The text as written; for a string, what stands between its quotes. */
  readonly text: string
  readonly line: number
  /** The comments between the token before and this one. */
  readonly comments: ReadonlyArray<Comment>
}

export interface Comment {
  readonly text: string
  readonly line: number
}

export interface Import {
  readonly specifier: string
  readonly line: number
}

export const root = join(import.meta.dirname, "../..")

/** Every `.ts` file under a directory of the package. */
export const read = (directory: string): ReadonlyArray<SourceFile> =>
  readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: relative(root, file).split(sep).join("/"), source: readFileSync(file, "utf8") }))
    .sort((a, b) => a.path < b.path ? -1 : 1)

const beforeRegex = new Set("return typeof case in of void throw else yield await default".split(" "))

export const tokenize = (source: string): ReadonlyArray<Token> => {
  const tokens: Array<Token> = []
  // One entry for each open brace: true where the closing brace resumes a template.
  const braces: Array<boolean> = []
  let comments: Array<Comment> = []
  let index = 0
  let line = 1

  const take = (end: number): string => {
    const text = source.slice(index, end)
    line += text.split("\n").length - 1
    index = end
    return text
  }
  const push = (kind: Token["kind"], end: number, strip = 0): void => {
    const at = line
    const text = take(end)
    tokens.push({ kind, text: text.slice(strip, text.length - strip), line: at, comments })
    comments = []
  }
  const endOf = (terminator: string): number => {
    const end = source.indexOf(terminator, index)
    return end === -1 ? source.length : end
  }
  const endOfString = (quote: string): number => {
    let end = index + 1
    while (end < source.length && source[end] !== quote) end += source[end] === "\\" ? 2 : 1
    return end + 1
  }
  const endOfRegex = (): number => {
    let end = index + 1
    let inClass = false
    while (end < source.length && (inClass || source[end] !== "/") && source[end] !== "\n") {
      if (source[end] === "[") inClass = true
      if (source[end] === "]") inClass = false
      end += source[end] === "\\" ? 2 : 1
    }
    return end + 1
  }
  const template = (): void => {
    let end = index + 1
    while (end < source.length && source[end] !== "`" && !source.startsWith("${", end)) {
      end += source[end] === "\\" ? 2 : 1
    }
    if (source.startsWith("${", end)) {
      braces.push(true)
      end += 1
    }
    push("template", end + 1)
  }
  const regexMayStart = (): boolean => {
    const previous = tokens.at(-1)
    if (previous === undefined) return true
    if (previous.kind === "punctuation") return !")]}".includes(previous.text)
    return previous.kind === "word" && beforeRegex.has(previous.text)
  }

  while (index < source.length) {
    const char = source[index]!
    if (/\s/.test(char)) {
      take(index + 1)
    } else if (source.startsWith("//", index)) {
      comments.push({ line, text: take(endOf("\n")) })
    } else if (source.startsWith("/*", index)) {
      comments.push({ line, text: take(endOf("*/") + 2) })
    } else if (char === "\"" || char === "'") {
      push("string", endOfString(char), 1)
    } else if (char === "`") {
      template()
    } else if (char === "}" && braces.pop() === true) {
      template()
    } else if (char === "/" && regexMayStart()) {
      push("regex", endOfRegex())
    } else {
      const word = /[\p{ID_Continue}$]+/uy
      word.lastIndex = index
      const match = word.exec(source)
      if (match !== null) {
        push(/^\d/.test(match[0]) ? "number" : "word", index + match[0].length)
      } else {
        if (char === "{") braces.push(false)
        push("punctuation", index + 1)
      }
    }
  }
  return tokens
}

/** Every module that a source names: imports, re-exports, `import("…")` in code and in types, and `require("…")`. */
export const importsOf = (tokens: ReadonlyArray<Token>): ReadonlyArray<Import> => {
  const imports: Array<Import> = []
  const text = (index: number): string | undefined => tokens[index]?.kind === "string" ? undefined : tokens[index]?.text
  const add = (index: number): void => {
    const token = tokens[index]!
    imports.push({ specifier: token.kind === "string" ? token.text : "(computed)", line: token.line })
  }
  // The clause of an import or export ends at `from "…"`; anything that cannot stand in a clause ends the search.
  const addFrom = (start: number): void => {
    for (let index = start; index < tokens.length; index++) {
      const token = tokens[index]!
      if (token.text === "from" && tokens[index + 1]?.kind === "string") return add(index + 1)
      if (token.kind === "punctuation" && !"{},*".includes(token.text)) return
      if (token.text === "}" && text(index + 1) !== "from") return
    }
  }
  tokens.forEach((token, index) => {
    if (token.kind !== "word" || text(index - 1) === ".") return
    const next = index + 1
    if (token.text === "import" || token.text === "require") {
      if (text(next) === "(" && tokens[next + 1] !== undefined) add(next + 1)
      else if (token.text === "import" && tokens[next]?.kind === "string") add(next)
      else if (token.text === "import") addFrom(next)
    } else if (token.text === "export") {
      const clause = text(next) === "type" ? next + 1 : next
      if (text(clause) === "{" || text(clause) === "*") addFrom(clause)
    }
  })
  return imports
}
