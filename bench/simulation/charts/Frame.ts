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
export const areaRight = 14
export const areaSteps = 1440

const areaScale = (width - left - areaRight) / areaSteps

export const hatching = Palette.hatching(areaScale, 1 / fineness)

export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\"", "&quot;")

export const fixed = (value: number): string => value.toFixed(1).replace(/\.0$/, "")

export const text = (x: number, y: number, anchor: string, kind: string, content: string): string =>
  `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" class="${kind}">${escaped(content)}</text>`

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
  let at = left
  return keys.map(([look, name]) => {
    const size = `h${fixed(11 / areaScale)}v${11 * fineness}h-${fixed(11 / areaScale)}z`
    const key = `<g transform="translate(${at} 26)scale(${areaScale.toPrecision(6)} ${1 / fineness})">` +
      `<path d="M0 0${size}" class="key ${Palette.area(look)}"/></g>${text(at + 15, 36, "start", "ink", name)}`
    at += 7 * name.length + 28
    return key
  }).join("")
}

/** `body` is drawn over the grid; one unit of its width is a step of the values, of which there are so many. */
export const draw = ({ about, keys = [], marks, right, title, unit }: Options, steps: number, body: string): string => {
  const inner = width - left - right
  const grid = marks.map(([y, mark]) =>
    `<line x1="${left}" x2="${width - right}" y1="${fixed(top + y)}" y2="${fixed(top + y)}" class="grid"/>` +
    text(left - 6, top + y + 4, "end", "faint", mark)
  )
  const hours = [0, 6, 12, 18, 24].map((hour) =>
    text(left + inner * hour / 24, height - 5, hour === 24 ? "end" : "middle", "faint", `${hour}:00`)
  )
  const scale = `${Number((inner / steps).toPrecision(6))} ${1 / fineness}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">` +
    `<title>${escaped(title)}</title><desc>${escaped(about)}</desc>` +
    `<rect width="${width}" height="${height}" class="ground"/>${grid.join("")}` +
    `<g transform="translate(${left} ${top})scale(${scale})">${body}</g>${hours.join("")}` +
    `${text(left, 16, "start", "ink", unit === undefined ? title : `${title}, ${unit}`)}${keysOf(keys)}`
}

/** The end of what `draw` begins. */
export const end = "</svg>"
