/**
 * The channel on which a relay tells what happens: bounded, and free of cost
 * while nobody listens.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as RelayError from "./RelayError.ts"
import type * as RelayEvent from "./RelayEvent.ts"

/**
 * The channel.
 *
 * @category models
 * @since 0.1.0
 */
export interface RelayEvents {
  readonly tell: (event: RelayEvent.Untold) => void
  /** Tells that a caller got this failure. */
  readonly tellFailure: (failure: RelayError.StreamError) => Effect.Effect<void>
  readonly stream: Stream.Stream<RelayEvent.RelayEvent>
}

// a listener that falls further behind than this loses the oldest events
const capacity = 4096

/**
 * A channel that closes with its scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (clock: Clock.Clock): Effect.Effect<RelayEvents, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(PubSub.sliding<RelayEvent.RelayEvent>(capacity), PubSub.shutdown),
    (channel) => {
      let listeners = 0
      const listening = Effect.acquireRelease(
        Effect.sync(() => {
          listeners++
        }),
        () =>
          Effect.sync(() => {
            listeners--
          })
      )
      const tell = (event: RelayEvent.Untold): void => {
        if (listeners === 0) return
        PubSub.publishUnsafe(channel, { ...event, at: clock.currentTimeMillisUnsafe() } as RelayEvent.RelayEvent)
      }
      return {
        tell,
        tellFailure: ({ _tag, attempts }) => Effect.sync(() => tell({ _tag: "CallFailed", failure: _tag, attempts })),
        stream: Stream.unwrap(
          Effect.map(
            Effect.andThen(PubSub.subscribe(channel), (subscription) => Effect.as(listening, subscription)),
            Stream.fromSubscription
          )
        )
      }
    }
  )
