/** Lines of many points in few bytes: whole numbers, one after the other, x by x. */

const join = (dx: number, dy: number): string => `${dx}${dy < 0 ? "" : " "}${dy}`

/** A line through heights, a step of one apart; none where there is no height. */
export const line = (heights: ReadonlyArray<number | undefined>): string => {
  let path = ""
  let command = ""
  let last: number | undefined
  let level = 0
  const flush = (): void => {
    if (level === 0) return
    path += `h${level}`
    command = "h"
    level = 0
  }
  heights.forEach((height, index) => {
    if (height === undefined) flush()
    else if (last === undefined) {
      path += `M${index} ${height}`
      command = "M"
    } else if (height === last) level++
    else {
      flush()
      const step = join(1, height - last)
      path += command === "l" ? ` ${step}` : `l${step}`
      command = "l"
    }
    last = height
  })
  flush()
  return path
}

/** The same, and all below it down to a height. */
export const area = (heights: ReadonlyArray<number>, bottom: number): string => `${line(heights)}V${bottom}H0z`
