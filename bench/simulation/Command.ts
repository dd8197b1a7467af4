/** What `npm run simulate` was asked for. */
import { parseArgs } from "node:util"

export interface Live {
  readonly _tag: "Live"
  readonly seed: number
  readonly speed: number
  readonly processes: number
  readonly isAll: boolean
  /** Where to write, `"nowhere"`, or where what is tracked lies. */
  readonly to: { readonly folder: string } | "nowhere" | "tracked"
}

export type Command = Live | { readonly _tag: "Fill" } | { readonly _tag: "Help" } | {
  readonly _tag: "Refused"
  readonly why: string
}

export const usual = { seed: 20_260_420, speed: 8, processes: 2, out: "bench/out" }

export const usage = `usage: npm run simulate -- [options]

  --all            all days, ablations, settings, studies and five seeds
  --day            a day at its own pace; the same as --speed 1
  --speed N        days pass N times as fast, from 1 up; ${usual.speed} without it
  --seed N         another day, a whole number; ${usual.seed} without it
  --processes N    how many live through days at once, from 1 up; ${usual.processes} without it
  --out FOLDER     where to write, from the project's folder; ${usual.out} without it
  --no-write       prints, and writes nothing
  --fill           lives through nothing: fills README.md and docs/simulation.md from bench/simulation.json
  --help           this

What is tracked, bench/simulation.* and the tables of README.md and docs/simulation.md, is written by --all alone, with the
usual seed and speed and no --out.`

const refused = (why: string): Command => ({ _tag: "Refused", why })

/** A number, where the text is one within bounds. */
const numberIn = (text: string, least: number, isWhole: boolean): number | undefined => {
  const isNumber = isWhole ? /^\d+$/.test(text) : /^\d+(\.\d+)?$/.test(text)
  const value = Number(text)
  return isNumber && value >= least && value <= Number.MAX_SAFE_INTEGER ? value : undefined
}

const options = {
  all: { type: "boolean", default: false },
  day: { type: "boolean", default: false },
  fill: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
  out: { type: "string" },
  processes: { type: "string" },
  seed: { type: "string" },
  speed: { type: "string" },
  write: { type: "boolean", default: true }
} as const

const parsed = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({ args: [...args], options, allowNegative: true }).values
  } catch (error) {
    // its first sentence says which option
    return error instanceof Error ? error.message.split(/[.\n]/, 1)[0]! : String(error)
  }
}

export const parse = (args: ReadonlyArray<string>): Command => {
  const values = parsed(args)
  if (typeof values === "string") return refused(values)
  if (values.help) return { _tag: "Help" }
  const { all, day, out } = values
  if (values.fill) return args.length === 1 ? { _tag: "Fill" } : refused("--fill goes with no other option")
  const seed = numberIn(values.seed ?? `${usual.seed}`, 0, true)
  if (seed === undefined) return refused(`--seed is "${values.seed}", it has to be a whole number`)
  const speed = numberIn(values.speed ?? (day ? "1" : `${usual.speed}`), 1, false)
  if (speed === undefined) return refused(`--speed is "${values.speed}", it has to be a number from 1 up`)
  if (day && speed !== 1) return refused("--day is --speed 1, so they do not go together")
  const processes = numberIn(values.processes ?? `${usual.processes}`, 1, true)
  if (processes === undefined) {
    return refused(`--processes is "${values.processes}", it has to be a whole number from 1 up`)
  }
  if (out === "") return refused("--out has to name a folder")
  const isUsual = all && seed === usual.seed && speed === usual.speed && out === undefined
  const to = !values.write ? "nowhere" : isUsual ? "tracked" : { folder: out ?? usual.out }
  return { _tag: "Live", seed, speed, processes, isAll: all, to }
}
