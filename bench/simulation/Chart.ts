/** Plots of a day as SVG. Colours are classes, so that the page around decides about light, dark and paper. */

export interface Series {
  readonly name: string
  /** Which colour and dash, see `style`. */
  readonly look: number
  readonly values: ReadonlyArray<number>
}

export interface Options {
  readonly title: string
  readonly unit: string
  readonly series: ReadonlyArray<Series>
  /** A logarithmic scale of values, from this one on. */
  readonly logFrom?: number
  readonly max?: number
}

const width = 720
const height = 230
const left = 52
const right = 26
const top = 30
const bottom = 24
const innerWidth = width - left - right
const innerHeight = height - top - bottom

/** Okabe and Ito's colours, which most colour-blind readers tell apart; on dark ground the dark ones are lighter. */
const light = ["#d55e00", "#b87a00", "#a8487e", "#2a8fc7", "#0b5394", "#007a59", "#6b6b6b", "#8a7c00"]
const dark = ["#ff8a47", "#e69f00", "#e08fb8", "#56b4e9", "#8ab8ff", "#1fc79a", "#a0a0a0", "#f0e442"]
const dashes = ["", "7 3", "2 3", "10 3 2 3", "", "4 2", "1 2", "12 4"]

const rules = (colours: ReadonlyArray<string>): string =>
  colours.map((colour, look) => `.l${look}{stroke:${colour}}.f${look}{fill:${colour}}`).join("")

/** What the classes look like. */
export const style = [
  "svg{font:12px system-ui,sans-serif}",
  ".ground{fill:#fff}.ink{fill:#1a1a1a}.faint{fill:#5a5a5a}.grid{stroke:#ddd;stroke-width:1}",
  ".line{fill:none;stroke-width:1.8;stroke-linejoin:round}.area{stroke:none}",
  rules(light),
  "@media (prefers-color-scheme: dark){",
  ".ground{fill:#161b22}.ink{fill:#e6e6e6}.faint{fill:#a8a8a8}.grid{stroke:#333b45}",
  rules(dark),
  "}",
  "@media print{.ground{fill:#fff}.ink{fill:#000}.faint{fill:#333}.grid{stroke:#ccc}",
  rules(light),
  "}"
].join("")

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\"", "&quot;")

const fixed = (value: number): string => value.toFixed(1).replace(/\.0$/, "")

const text = (x: number, y: number, anchor: string, kind: string, content: string): string =>
  `<text x="${fixed(x)}" y="${fixed(y)}" text-anchor="${anchor}" class="${kind}">${escaped(content)}</text>`

const xOf = (index: number, count: number): number => left + innerWidth * (count === 1 ? 0.5 : index / (count - 1))

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

/** The frame that all plots share, with hours below. */
const frame = (
  { title, unit }: Pick<Options, "title" | "unit">,
  marks: ReadonlyArray<readonly [at: number, text: string]>,
  legend: ReadonlyArray<Pick<Series, "look" | "name">>,
  isFilled = false
): string => {
  const hours = [0, 3, 6, 9, 12, 15, 18, 21, 24]
  let at = width - right
  const keys = legend.toReversed().map(({ look, name }) => {
    at -= 7 * name.length + 26
    const key = isFilled
      ? `<rect x="${at + 4}" y="10" width="11" height="11" class="area f${look}"/>`
      : `<line x1="${at}" x2="${at + 16}" y1="16" y2="16" class="line l${look}"${dash(look)}/>`
    return `${key}${text(at + 20, 20, "start", "ink", name)}`
  })
  return [
    ...marks.map(([y, mark]) =>
      `<line x1="${left}" x2="${width - right}" y1="${fixed(y)}" y2="${fixed(y)}" class="grid"/>` +
      text(left - 6, y + 4, "end", "faint", mark)
    ),
    ...hours.map((hour) => text(left + innerWidth * hour / 24, height - 6, "middle", "faint", `${hour}:00`)),
    text(left, 20, "start", "ink", unit === "" ? title : `${title}, ${unit}`),
    ...keys
  ].join("")
}

const dash = (look: number): string => dashes[look] === "" ? "" : ` stroke-dasharray="${dashes[look]}"`

const svg = (title: string, body: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${
    escaped(title)
  }">` +
  `<rect width="${width}" height="${height}" class="ground"/>${body}</svg>`

export const lines = ({ logFrom, max, series, title, unit }: Options): string => {
  const highest = max ?? Math.max(1e-9, ...series.flatMap(({ values }) => values))
  const yOf = (value: number): number => {
    const share = logFrom === undefined
      ? Math.min(value, highest) / highest
      : Math.max(0, Math.log(Math.max(value, logFrom) / logFrom)) / Math.log(highest / logFrom)
    return top + innerHeight * (1 - share)
  }
  const marks = (logFrom === undefined ? ticks(highest) : decades(logFrom, highest))
    .map((tick) => [yOf(tick), label(tick)] as const)
  const paths = series.map(({ look, values }) => {
    const points = values.map((value, index) => `${fixed(xOf(index, values.length))},${fixed(yOf(value))}`)
    return `<polyline points="${points.join(" ")}" class="line l${look}"${dash(look)}/>`
  })
  return svg(title, frame({ title, unit }, marks, series) + paths.join(""))
}

/** How a whole is made up of parts, one above the other. */
export const shares = ({ series, title }: Pick<Options, "series" | "title">): string => {
  const count = series[0]!.values.length
  const totals = Array.from(
    { length: count },
    (_, index) => series.reduce((sum, { values }) => sum + values[index]!, 0)
  )
  let floor = totals.map(() => 0)
  const yOf = (share: number): number => top + innerHeight * (1 - share)
  const areas = series.map(({ look, values }) => {
    const ceiling = floor.map((base, index) => base + (totals[index] === 0 ? 0 : values[index]! / totals[index]!))
    const point = (share: number, index: number): string => `${fixed(xOf(index, count))},${fixed(yOf(share))}`
    const edge = [...ceiling.map(point), ...floor.map(point).toReversed()]
    floor = ceiling
    return `<polygon points="${edge.join(" ")}" class="area f${look}"/>`
  })
  const marks = [0, 0.25, 0.5, 0.75, 1].map((share) => [yOf(share), `${100 * share} %`] as const)
  return svg(title, areas.join("") + frame({ title, unit: "" }, marks, series, true))
}

/** Which state each of some things was in. */
export const strips = (
  title: string,
  names: ReadonlyArray<string>,
  states: ReadonlyArray<ReadonlyArray<string>>,
  looks: Readonly<Record<string, number>>
): string => {
  const count = states.length
  const row = innerHeight / names.length
  const cells = names.flatMap((_, place) => {
    const looksOf = states.map((at) => looks[at[place] ?? ""] ?? 6)
    // neighbours that look alike are one
    const starts = looksOf.flatMap((look, index) => index > 0 && looksOf[index - 1] === look ? [] : [index])
    return starts.map((start, index) => {
      const wide = (starts[index + 1] ?? count) - start
      return `<rect x="${fixed(left + innerWidth * start / count)}" y="${fixed(top + row * place + 2)}" ` +
        `width="${fixed(innerWidth * wide / count)}" height="${fixed(row - 4)}" class="area f${looksOf[start]!}"/>`
    })
  })
  const marks = names.map((name, place) => [top + row * (place + 0.5), name] as const)
  const legend = Object.entries(looks).map(([name, look]) => ({ name, look }))
  return svg(title, frame({ title, unit: "" }, marks, legend, true) + cells.join(""))
}

/** Plots one below the other in a file of their own. */
export const file = (plots: ReadonlyArray<string>): string => {
  const parts = plots.map((plot, index) =>
    plot.replace("<svg ", `<svg y="${index * height}" width="${width}" height="${height}" `)
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${plots.length * height}" width="${width}" ` +
    `height="${plots.length * height}"><style>${style}</style>${parts.join("")}</svg>\n`
}
