/**
 * Effects for code that knows none: promises that reject with the failure itself
 * and end when an `AbortSignal` says so.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/**
 * What runs effects: a `ManagedRuntime`, or the services of an effect by
 * `{ runPromiseExit: Effect.runPromiseExitWith(context) }`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Runtime<R = never> {
  readonly runPromiseExit: <A, E>(
    effect: Effect.Effect<A, E, R>,
    options?: Effect.RunOptions
  ) => Promise<Exit.Exit<A, unknown>>
}

/**
 * Runs an effect: its value, or its failure as the rejection. When the signal
 * ends it, all that it held is given back before the promise rejects, with the
 * signal's reason.
 *
 * @category running
 * @since 0.1.0
 */
export const run = async <A, E, R>(
  runtime: Runtime<R>,
  effect: Effect.Effect<A, E, R>,
  signal: AbortSignal | undefined
): Promise<A> => {
  signal?.throwIfAborted()
  const exit = await runtime.runPromiseExit(effect, signal === undefined ? {} : { signal })
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.hasInterruptsOnly(exit.cause)) signal?.throwIfAborted()
  throw Cause.squash(exit.cause)
}
