/** How a whole is made up of parts in the course of a day, one above the other. */
import * as Frame from "./Frame.ts"
import * as Palette from "./Palette.ts"
import * as Path from "./Path.ts"

export interface Part {
  readonly look: string
  readonly name: string
  /** One for every minute. */
  readonly values: ReadonlyArray<number>
}

export interface Options {
  readonly title: string
  /** From the lowest up. */
  readonly parts: ReadonlyArray<Part>
}

const floor = Frame.innerHeight * Frame.fineness

const percent = (part: number, whole: number): string => `${(100 * part / Math.max(1, whole)).toFixed(2)} %`

export const draw = ({ parts, title }: Options): string => {
  const totals = parts[0]!.values.map((_, index) => parts.reduce((sum, { values }) => sum + values[index]!, 0))
  let sums = totals.map(() => 0)
  const areas = parts.map(({ look, values }) => {
    sums = sums.map((sum, index) => sum + values[index]!)
    const heights = sums.map((sum, index) =>
      totals[index] === 0 ? floor : Math.round(floor * (1 - sum / totals[index]!))
    )
    return `<path d="${Path.area(heights, floor)}" class="${Palette.area(look)}"/>`
  })
  const total = totals.reduce((a, b) => a + b, 0)
  const about = parts.map(({ name, values }) => `${name}: ${percent(values.reduce((a, b) => a + b, 0), total)}`)
  const frame = {
    title,
    about: about.join("; "),
    marks: [0, 0.5, 1].map((share) => [Frame.innerHeight * (1 - share), `${100 * share} %`] as const),
    keys: parts.map(({ look, name }) => [look, name] as const),
    right: Frame.areaRight
  }
  // the highest first, so that each lower one lies over it
  return Frame.draw(frame, Frame.areaSteps, areas.toReversed().join("")) + Frame.end
}
