/**
 * Streams that come out again from the cache.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as ChatStream from "../endpoint/ChatStream.ts"
import * as Now from "../policy/Now.ts"
import type * as ResponseCache from "../policy/ResponseCache.ts"
import * as AnswerCache from "./AnswerCache.ts"
import * as CachedAnswer from "./CachedAnswer.ts"
import type * as Meta from "./Meta.ts"
import type * as Progress from "./Progress.ts"
import type * as Recording from "./Recording.ts"
import type * as RelayError from "./RelayError.ts"
import type * as StreamChunk from "./StreamChunk.ts"

/**
 * Where chunks go, and what is known of who asked for them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Asked {
  readonly key: ResponseCache.CacheKey
  readonly model: string
  readonly tenant: string | undefined
  readonly startedAt: number
  readonly out: Recording.Out
}

/**
 * What a relay's streams do with its cache.
 *
 * @category models
 * @since 0.1.0
 */
export interface StreamReplay {
  /** Says the answer, if there is a fresh one. Whether there was. */
  readonly find: (asked: Asked) => Effect.Effect<boolean>
  /** Says an answer that was good once in place of a failure, or fails with it. */
  readonly standIn: (asked: Asked, failure: RelayError.StreamError) => Effect.Effect<void, RelayError.StreamError>
  /** Keeps what came whole, and from one endpoint. */
  readonly keep: (
    key: ResponseCache.CacheKey,
    meta: Meta.Meta,
    streamed: ChatStream.Streamed,
    deltas: ReadonlyArray<StreamChunk.Delta> | undefined
  ) => Effect.Effect<void>
}

/**
 * The replays of a relay.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (cache: ResponseCache.ResponseCache, relay: Progress.Relay): StreamReplay => {
  const { isExcused: _, isOwn: __, ...terms } = AnswerCache.terms

  const say = (
    { model, out, startedAt, tenant }: Asked,
    { stale, value }: ResponseCache.Answer<CachedAnswer.CachedAnswer>
  ): Effect.Effect<void> =>
    Effect.flatMap(Effect.andThen(AnswerCache.note(relay, model, tenant, value, stale), Now.current), (now) => {
      const { endpoint, finishReason: reason, model: answering, tokens, truncated } = value
      const meta = {
        endpoint,
        model: answering,
        firstChunk: now - startedAt,
        latency: now - startedAt,
        attempts: [],
        cost: 0,
        usage: [],
        cache: stale ? "stale" as const : "hit" as const
      }
      return out.say([
        { _tag: "Start", endpoint, model: answering, attempts: 0 },
        ...CachedAnswer.toDeltas(value),
        { _tag: "Finish", reason, truncated, tokens, meta }
      ]) ?? Effect.void
    })

  return {
    find: (asked) =>
      Effect.flatMap(
        cache.find(asked.key, terms),
        (answer) => answer === undefined ? Effect.succeed(false) : Effect.as(say(asked, answer), true)
      ),
    standIn: (asked, failure) =>
      AnswerCache.isExcused(failure)
        ? Effect.flatMap(
          cache.standIn<CachedAnswer.CachedAnswer>(asked.key),
          (answer) => answer === undefined ? Effect.fail(failure) : say(asked, answer)
        )
        : Effect.fail(failure),
    keep: (key, meta, { answer, usage }, deltas) =>
      deltas === undefined
        ? Effect.void
        : cache.keep(key, CachedAnswer.ofStreamed(meta, answer, usage, deltas), meta.latency, terms)
  }
}
