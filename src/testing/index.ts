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
