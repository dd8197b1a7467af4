/** What came of the mutants: counted by file, held against the survivors that are explained, and written down. */

export interface Mutant {
  readonly file: string
  /** The first line of what was changed, with what stands before and after it. */
  readonly line: string
  readonly was: string
  readonly becomes: string
  /** Refused: no test noticed, and the compiler did. */
  readonly fate: "killed" | "timed out" | "refused" | "survived"
}

/** A mutant that no test tells from the code, and why that is as it should be. */
export interface Survivor extends Pick<Mutant, "file" | "line" | "was" | "becomes"> {
  readonly why: string
}

/** One line of the table. */
export interface Score {
  readonly file: string
  readonly killed: number
  readonly timedOut: number
  readonly refused: number
  readonly survived: number
  /** Stands for the text of the file, so that a later reader sees whether the figures are of this text. */
  readonly digest: string
}

export const scoreOf = (file: string, digest: string, mutants: ReadonlyArray<Mutant>): Score => {
  const count = (fate: Mutant["fate"]) => mutants.filter((it) => it.file === file && it.fate === fate).length
  return {
    file,
    digest,
    killed: count("killed"),
    timedOut: count("timed out"),
    refused: count("refused"),
    survived: count("survived")
  }
}

export interface Comparison {
  readonly unexplained: ReadonlyArray<Mutant>
  readonly stale: ReadonlyArray<Survivor>
}

/** Matches survivors with explanations, each with one: by what they change, wherever in the file that stands now. */
export const compare = (mutants: ReadonlyArray<Mutant>, explained: ReadonlyArray<Survivor>): Comparison => {
  const stale = explained.filter(({ why }) => why.trim() !== "")
  const unexplained = mutants.filter((mutant) => {
    if (mutant.fate !== "survived") return false
    const index = stale.findIndex((it) => keyOf(it) === keyOf(mutant))
    if (index >= 0) stale.splice(index, 1)
    return index < 0
  })
  return { unexplained, stale }
}

const keyOf = ({ becomes, file, line, was }: Omit<Survivor, "why">): string =>
  JSON.stringify([file, line, was, becomes])

const row = (cells: ReadonlyArray<string | number>): string => `| ${cells.join(" | ")} |`

// what cannot be built is no mutant
const percent = ({ killed, survived, timedOut }: Omit<Score, "file" | "digest">): string =>
  `${(100 * (killed + timedOut) / Math.max(1, killed + timedOut + survived)).toFixed(1)}%`

const cellsOf = (score: Omit<Score, "file" | "digest">): ReadonlyArray<string | number> => [
  score.killed + score.timedOut + score.refused + score.survived,
  score.killed,
  score.timedOut,
  score.refused,
  score.survived,
  percent(score)
]

const head = ["file", "mutants", "killed", "timed out", "refused", "survived", "score", "text"]

export const table = (scores: ReadonlyArray<Score>): string => {
  const sum = (of: "killed" | "timedOut" | "refused" | "survived") => scores.reduce((sum, score) => sum + score[of], 0)
  const total = { killed: sum("killed"), timedOut: sum("timedOut"), refused: sum("refused"), survived: sum("survived") }
  return [
    row(head),
    row(["---", ...head.slice(2).map(() => "---:"), "---"]),
    ...scores.map((score) => row([`\`${score.file}\``, ...cellsOf(score), `\`${score.digest}\``])),
    row(["all", ...cellsOf(total), ""])
  ].join("\n")
}

/** The scores that a report holds. */
export const scoresIn = (report: string): ReadonlyArray<Score> =>
  Array.from(
    report.matchAll(/^\| `([^`]+)` \| \d+ \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| [\d.]+% \| `(\w+)` \|$/gm),
    ([, file, killed, timedOut, refused, survived, digest]) => ({
      file: file!,
      killed: Number(killed),
      timedOut: Number(timedOut),
      refused: Number(refused),
      survived: Number(survived),
      digest: digest!
    })
  )

// a pipe would end the cell, also inside of code
const code = (text: string): string => {
  const escaped = text.replaceAll("|", "\\|")
  return text.includes("`") ? `\`\` ${escaped} \`\`` : `\`${escaped}\``
}

export const list = (survivors: ReadonlyArray<Survivor>): string =>
  Array.from(new Set(survivors.map(({ file }) => file)))
    .toSorted()
    .map((file) =>
      [
        `### \`${file}\``,
        "",
        row(["was", "becomes", "in", "why it may live"]),
        row(["---", "---", "---", "---"]),
        ...survivors.filter((it) => it.file === file)
          .map(({ becomes, line, was, why }) => row([code(was), code(becomes), code(line), why]))
      ].join("\n")
    )
    .join("\n\n")

/** Puts a text between the marks of that name, where it takes the place of what stood there. */
export const fill = (report: string, name: string, text: string): string => {
  const [from, to] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
  const start = report.indexOf(from)
  const end = report.indexOf(to, start)
  if (start < 0 || end < 0) throw new Error(`the report has no place for ${name}`)
  return `${report.slice(0, start + from.length)}\n\n${text}\n\n${report.slice(end)}`
}
