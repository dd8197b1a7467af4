/** Charts one below the other in a file of their own. */
import * as Frame from "./Frame.ts"
import * as Palette from "./Palette.ts"

const scale = 1.5

export const print = (charts: ReadonlyArray<string>): string => {
  const [width, height] = [Frame.width * scale, Frame.height * scale]
  const parts = charts.map((chart, index) =>
    chart.replace("<svg ", `<svg y="${index * height}" width="${width}" height="${height}" `)
  )
  const all = charts.length * height
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${all}" width="${width}" height="${all}">` +
    `<style>${Palette.style}</style>${Frame.hatching}<rect width="${width}" height="${all}" class="ground"/>` +
    `${parts.join("")}</svg>\n`
}
