/**
 * Prices of models, as they were listed on a day.
 *
 * @since 0.1.0
 */
import type * as Prices from "./Prices.ts"

/**
 * A table of prices.
 *
 * @category models
 * @since 0.1.0
 */
export interface PriceTable {
  /** The day on which they were looked up, such as `2026-11-28`. */
  readonly asOf: string
  /** By the names that the services themselves have for their models. */
  readonly models: Readonly<Record<string, Prices.Prices>>
}
