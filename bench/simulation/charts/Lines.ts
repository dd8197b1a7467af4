/** Values in the course of a day as lines, with their names at the end. */
import * as Frame from "./Frame.ts"
import * as Palette from "./Palette.ts"
import * as Path from "./Path.ts"

export interface Series {
  readonly name: string
  readonly values: ReadonlyArray<number>
}

export interface Options {
  readonly title: string
  readonly unit: string
  readonly series: ReadonlyArray<Series>
  /** A logarithmic scale of values, from this one on; what is 0 is not there. */
  readonly logFrom?: number
  readonly max?: number
}

const right = 58

/** How far apart names are at least. */
const apart = 13

/** Up to five round numbers from 0 up. */
const ticks = (max: number): ReadonlyArray<number> => {
  const rough = max / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= rough)!
  return Array.from({ length: Math.floor(max / step + 1e-9) + 1 }, (_, index) => index * step)
}

const decades = (from: number, max: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let tick = from; tick <= max * 1.0001; tick *= 10) found.push(tick)
  return found
}

const label = (value: number): string => Number(value.toPrecision(3)).toLocaleString("en")

/** Names beside the ends of their lines, none over another. */
const names = (ends: ReadonlyArray<readonly [name: string, y: number]>): string => {
  const sorted = ends.toSorted(([, a], [, b]) => a - b)
  const places: Array<number> = []
  for (const [, y] of sorted) places.push(Math.max(y, (places.at(-1) ?? -Infinity) + apart))
  const over = Math.max(0, places.at(-1)! - Frame.innerHeight)
  return sorted.map(([name], index) =>
    Frame.text(Frame.width - right + 5, Frame.top + places[index]! - over + 4, name, ` class="t-${name}"`)
  ).join("")
}

const aboutOf = (series: ReadonlyArray<Series>, unit: string): string =>
  series.map(({ name, values }) => `${name}: ${label(Math.min(...values))} to ${label(Math.max(...values))} ${unit}`)
    .join("; ")

export const draw = ({ logFrom, max, series, title, unit }: Options): string => {
  const highest = max ?? Math.max(1e-9, ...series.flatMap(({ values }) => values))
  const yOf = (value: number): number => {
    const share = logFrom === undefined
      ? Math.min(value, highest) / highest
      : Math.max(0, Math.log(Math.max(value, logFrom) / logFrom)) / Math.log(highest / logFrom)
    return Frame.innerHeight * (1 - share)
  }
  const marks = (logFrom === undefined ? ticks(highest) : decades(logFrom, highest))
    .map((tick) => [yOf(tick), label(tick)] as const)
  const heightOf = (value: number): number | undefined =>
    logFrom !== undefined && value === 0 ? undefined : Math.round(yOf(value) * Frame.fineness)
  const paths = series.map(({ name, values }) =>
    `<path d="${Path.line(values.map(heightOf))}" class="${Palette.line(name)}"/>`
  )
  const ends = series.map(({ name, values }) =>
    [name, yOf(values.findLast((value) => heightOf(value) !== undefined) ?? 0)] as const
  )
  const frame = { title, unit, about: aboutOf(series, unit), marks, right }
  return Frame.draw(frame, series[0]!.values.length - 1, paths.join("")) + names(ends) + Frame.end
}
