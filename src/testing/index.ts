/**
 * What the tests of your own services need.
 *
 * @since 0.1.0
 */

/**
 * Endpoints that play a script and remember what reached them.
 *
 * @category testing
 * @since 0.1.0
 */
export * as ScriptedEndpoint from "./ScriptedEndpoint.ts"

/**
 * Time that passes as fast as a program can live through it.
 *
 * @category testing
 * @since 0.1.0
 */
export * as VirtualTime from "./VirtualTime.ts"

/**
 * Chance that belongs to a request, so that different clients meet the same day.
 *
 * @category testing
 * @since 0.1.0
 */
export * as Luck from "./Luck.ts"

/**
 * The accounts of simulated endpoints: how much they let through, and how they say no.
 *
 * @category testing
 * @since 0.1.0
 */
export * as SimulatedAccount from "./SimulatedAccount.ts"

/**
 * Endpoints with latencies, limits and incidents by chance.
 *
 * @category testing
 * @since 0.1.0
 */
export * as SimulatedEndpoint from "./SimulatedEndpoint.ts"

/**
 * Who asks what, and when: a day of requests.
 *
 * @category testing
 * @since 0.1.0
 */
export * as Traffic from "./Traffic.ts"

/**
 * What simulated endpoints do when they are asked, for clients of your own.
 *
 * @category testing
 * @since 0.1.0
 */
export * as SimulatedWorld from "./SimulatedWorld.ts"
