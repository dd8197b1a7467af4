/** Which state each of some things was in, in the course of a day. */
import * as Frame from "./Frame.ts"
import * as Palette from "./Palette.ts"

export interface Options {
  readonly title: string
  readonly names: ReadonlyArray<string>
  /** For every minute those of all. */
  readonly states: ReadonlyArray<ReadonlyArray<string>>
}

const row = Frame.innerHeight / 4
const thick = (row - 6) * Frame.fineness

interface Run {
  readonly state: string
  readonly from: number
  readonly until: number
}

const runsOf = (states: ReadonlyArray<string>): ReadonlyArray<Run> => {
  const found: Array<Run> = []
  let from = 0
  for (let index = 1; index <= states.length; index++) {
    if (states[index] === states[from]) continue
    found.push({ state: states[from]!, from, until: index })
    from = index
  }
  return found
}

export const draw = ({ names, states, title }: Options): string => {
  const all = names.map((_, place) => runsOf(states.map((of) => of[place]!)))
  const cells = all.map((runs, place) =>
    runs.map(({ from, state, until }) =>
      `<path d="M${from} ${(row * place + 3) * Frame.fineness}h${until - from}v${thick}h${from - until}z" ` +
      `class="${Palette.area(state)}"/>`
    ).join("")
  )
  const seen = [...new Set(all.flatMap((runs) => runs.map(({ state }) => state)))]
  const shareOf = (runs: ReadonlyArray<Run>, state: string): number =>
    runs.reduce((sum, run) => run.state === state ? sum + run.until - run.from : sum, 0) / states.length
  const about = names.map((name, place) =>
    `${name}: ${
      seen.map((state) => [state, shareOf(all[place]!, state)] as const).filter(([, share]) => share > 0)
        .map(([state, share]) => `${(100 * share).toFixed(1)} % ${state}`).join(", ")
    }`
  )
  const frame = {
    title,
    about: about.join("; "),
    marks: names.map((name, place) => [row * (place + 0.5), name] as const),
    keys: seen.map((state) => [state, state] as const),
    right: Frame.areaRight
  }
  return Frame.draw(frame, Frame.areaSteps, cells.join("")) + Frame.end
}
