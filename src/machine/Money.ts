/**
 * Dollars as whole numbers, so that sums are exact.
 *
 * The unit is the nanodollar, a thousandth of a millionth. A token of the cheapest
 * models costs some tens of them, and nine million dollars are still counted exactly.
 *
 * @since 0.1.0
 */

const perDollar = 1_000_000_000

/**
 * The most dollars that are counted exactly.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxDollars = 9_000_000

const most = maxDollars * perDollar

/**
 * Nanodollars, rounded to the nearest.
 *
 * @category conversions
 * @since 0.1.0
 */
export const fromDollars = (dollars: number): number => Math.round(dollars * perDollar)

/**
 * Dollars, for people to read and never to add up.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toDollars = (nanodollars: number): number => nanodollars / perDollar

/**
 * What so many tokens cost, at dollars for a million of them, to be added up before it is rounded: thousandths of a
 * nanodollar. Prices count to the millionth of a dollar.
 *
 * @category calculations
 * @since 0.1.0
 */
export const fine = (tokens: number, dollarsPerMillion: number): number =>
  tokens * Math.round(dollarsPerMillion * 1_000_000)

/**
 * Thousandths of a nanodollar as whole nanodollars, rounded up, and never more than `maxDollars`.
 *
 * @category calculations
 * @since 0.1.0
 */
export const fromFine = (thousandths: number): number => Math.min(most, Math.ceil(thousandths / 1000))

/**
 * What so many tokens cost in nanodollars, at dollars for a million of them: rounded up, and never more than `maxDollars`.
 *
 * @category calculations
 * @since 0.1.0
 */
export const cost = (tokens: number, dollarsPerMillion: number): number => fromFine(fine(tokens, dollarsPerMillion))

/**
 * In words, such as `$0.0042`; exactly, of a big integer as well.
 *
 * @category formatting
 * @since 0.1.0
 */
export const format = (nanodollars: number | bigint): string => {
  if (typeof nanodollars === "number" && !Number.isFinite(nanodollars)) return `$${nanodollars}`
  const amount = typeof nanodollars === "bigint" ? nanodollars : BigInt(Math.round(nanodollars))
  const digits = String(amount < 0n ? -amount : amount).padStart(10, "0")
  const dollars = `${digits.slice(0, -9)}.${digits.slice(-9)}`
  return `$${amount < 0n ? "-" : ""}${dollars.replace(/(\.\d\d\d*?)0+$/, "$1")}`
}
