/** What all charts share: a title, hours below, marks at the side. */
import * as Palette from "./Palette.ts"

export const width = 480
export const height = 210
export const left = 50
export const top = 46
export const bottom = 22
export const innerHeight = height - top - bottom

/** How many heights there are to a unit: whole ones take few bytes. */
export const fineness = 1

/** What areas leave free at the right, and how many steps of a day they have: hatches go by that. */
export const areaRight = 18
export const areaSteps = 1440

const areaScale = (width - left - areaRight) / areaSteps

export const hatching = Palette.hatching(areaScale, 1 / fineness)

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\"", "&quot;")

export const fixed = (value: number): string => value.toFixed(1).replace(/\.0$/, "")

/** Text in a group that says how it looks; coordinates are whole. */
export const text = (x: number, y: number, content: string, looks = ""): string =>
  `<text x="${Math.round(x)}" y="${Math.round(y)}"${looks}>${escaped(content)}</text>`

export interface Options {
  readonly title: string
  /** What somebody would be told who does not see it. */
  readonly about: string
  readonly unit?: string
  /** What stands at the left, and how high. */
  readonly marks: ReadonlyArray<readonly [y: number, text: string]>
  readonly keys?: ReadonlyArray<readonly [look: string, name: string]>
  /** How much is left free at the right. */
  readonly right: number
}

const keysOf = (keys: NonNullable<Options["keys"]>): string => {
  const wide = fixed(11 / areaScale)
  let at = left
  const all = keys.map(([look, name]) => {
    const [from, to] = [at, at + 15]
    at += 7 * name.length + 28
    const path = `M${fixed((from - left) / areaScale)} 0h${wide}v${11 * fineness}h-${wide}z`
    return [`<path d="${path}" class="key ${Palette.area(look)}"/>`, text(to, 36, name)] as const
  })
  // in the scale of the areas, so that hatches look as they do there
  return `<g transform="translate(${left} 26)scale(${areaScale.toPrecision(6)} ${1 / fineness})">` +
    `${all.map(([key]) => key).join("")}</g><g class="ink">${all.map(([, name]) => name).join("")}</g>`
}

/** `body` is drawn over the grid; one unit of its width is a step of the values, of which there are so many. */
export const draw = ({ about, keys = [], marks, right, title, unit }: Options, steps: number, body: string): string => {
  const inner = width - left - right
  const grid = marks.map(([y]) => `M${left} ${fixed(top + y)}h${inner}`).join("")
  const sides = marks.map(([y, mark]) => text(left - 6, top + y + 4, mark)).join("")
  const hours = [0, 6, 12, 18, 24].map((hour) => text(left + inner * hour / 24, height - 5, `${hour}:00`)).join("")
  const scale = `${Number((inner / steps).toPrecision(6))} ${1 / fineness}`
  return `<svg viewBox="0 0 ${width} ${height}" role="img">` +
    `<title>${escaped(title)}</title><desc>${escaped(about)}</desc><path d="${grid}" class="grid"/>` +
    `<g class="faint"><g text-anchor="end">${sides}</g><g text-anchor="middle">${hours}</g></g>` +
    `<g transform="translate(${left} ${top})scale(${scale})">${body}</g>` +
    text(left, 16, unit === undefined ? title : `${title}, ${unit}`, " class=\"ink\"") +
    (keys.length === 0 ? "" : keysOf(keys))
}

/** The end of what `draw` begins. */
export const end = "</svg>"
