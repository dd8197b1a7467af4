/** Tables, and text that may hold anything. */

export const percent = (value: number, digits: number): string => `${(100 * value).toFixed(digits)} %`

export const millis = (value: number): string => `${value.toFixed(0)} ms`

export const dollars = (value: number): string => `$ ${value.toFixed(0)}`

type Cells = ReadonlyArray<string>

const head = (cells: Cells): string => `<tr>${cells.map((cell) => `<th scope="col">${cell}</th>`).join("")}</tr>`

const row = ([name, ...cells]: Cells): string =>
  `<tr><th scope="row">${name}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`

/** One that a narrow window can scroll, also by keyboard. */
export const table = (caption: string, titles: Cells, rows: ReadonlyArray<Cells>): string =>
  `<div class="wide" tabindex="0" role="region" aria-label="${caption}"><table><caption>${caption}</caption>` +
  `<thead>${head(titles)}</thead><tbody>${rows.map(row).join("")}</tbody></table></div>`
