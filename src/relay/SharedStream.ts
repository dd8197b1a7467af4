/**
 * Streams through the cache: what is kept comes out again, and equal streams at one time are one call.
 *
 * That call is nobody's, as any that many wait for: it goes on until all have left, and it may take as long as the one who
 * waits longest.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as ChatApi from "../endpoint/ChatApi.ts"
import * as Fault from "../endpoint/Fault.ts"
import * as Attempt from "../policy/Attempt.ts"
import * as Now from "../policy/Now.ts"
import type * as ResponseCache from "../policy/ResponseCache.ts"
import * as AnswerCache from "./AnswerCache.ts"
import { Broadcast } from "./Broadcast.ts"
import * as CachedAnswer from "./CachedAnswer.ts"
import * as Deadline from "./Deadline.ts"
import { Delivery } from "./Delivery.ts"
import type { Outlet } from "./Outlet.ts"
import type * as Progress from "./Progress.ts"
import type * as RelayError from "./RelayError.ts"
import * as StreamCall from "./StreamCall.ts"
import type * as StreamChunk from "./StreamChunk.ts"

// what one stream keeps to is not what another asked for
const kindOf = ({ retry, settings }: StreamCall.Asked): string => {
  const { afterCommit, characters, commit, firstToken, idle, stretch } = settings
  return [commit, afterCommit, firstToken, idle, characters, stretch, retry > 0].join(" ")
}

/**
 * Puts the chunks of a stream with this key into an outlet: those of the answer that is kept, of the call that is under way,
 * or of one of its own.
 *
 * @category calls
 * @since 0.1.0
 */
export const run = Effect.fnUntraced(function*(
  relay: Progress.Relay,
  transport: ChatApi.Transport,
  cache: ResponseCache.ResponseCache,
  key: ResponseCache.CacheKey,
  asked: StreamCall.Asked,
  out: Outlet<StreamChunk.StreamChunk, RelayError.StreamError>
): Effect.fn.Return<void, RelayError.StreamError> {
  const { deadline, settings, written: { model, payer, wish } } = asked
  const clock = yield* Effect.withFiberSucceed(Now.clockOf)
  const now = (): number => Now.read(clock)
  const startedAt = now()
  const until = startedAt + (deadline ?? Infinity)
  let mine: Broadcast | undefined
  let heard: Broadcast | undefined

  const call = (broadcast: Broadcast) =>
    Effect.suspend((): Effect.Effect<CachedAnswer.CachedAnswer, RelayError.StreamError | AnswerCache.Own> => {
      // whoever joined a call that was of no use to them asks later than they came
      const left = until - now()
      if (left <= 0) return Effect.fail(Deadline.passed(deadline!, Attempt.none))
      // nobody waits for a call that only asks anew
      if (heard === broadcast) mine = broadcast
      const { company, recording } = broadcast
      company.wait(until)
      const delivery = new Delivery(broadcast, settings, wish.input, now)
      broadcast.begin(delivery)
      const own = deadline === undefined ? asked : { ...asked, deadline: left }
      return StreamCall.run(relay, transport, own, delivery, company).pipe(
        Effect.map(({ meta, value: { answer, usage } }) =>
          CachedAnswer.ofStreamed(meta, answer, delivery.usage(usage), recording.deltas)
        ),
        Effect.catchCause((cause) => {
          const isCut = delivery.committedAt !== undefined && Cause.hasInterruptsOnly(cause)
          // who heard a part of it cannot ask anew as if nothing had been
          return isCut ? Effect.fail(delivery.failure(cutOff(delivery.endpoint))) : Effect.failCause(cause)
        }),
        Effect.mapError((failure) => AnswerCache.owned(company, failure))
      )
    })

  const enter = (broadcast: Broadcast): void => {
    heard?.leave(out)
    heard = broadcast
    broadcast.company.wait(until)
    broadcast.enter(out)
  }

  const gathering = { kind: kindOf(asked), open: () => new Broadcast(), enter, call }
  const { hit, stale, value } = yield* cache.gather(key, gathering, AnswerCache.terms).pipe(
    Effect.mapError(AnswerCache.bare),
    Deadline.within(deadline, () => heard === undefined || heard.company.until <= until),
    Effect.catchTag("DeadlineExceeded", (failure): Effect.Effect<
      ResponseCache.Answer<CachedAnswer.CachedAnswer>,
      RelayError.StreamError
    > => {
      const passed = AnswerCache.tried(failure, mine?.company, now())
      // what came out cannot be taken back
      if (heard?.spokeAt !== undefined) return Effect.fail(heard.failure(passed))
      return Effect.flatMap(
        cache.standIn<CachedAnswer.CachedAnswer>(key),
        (answer) => answer === undefined ? Effect.fail(passed) : Effect.succeed(answer)
      )
    }),
    Effect.ensuring(Effect.sync(() => heard?.leave(out)))
  )
  if (hit) yield* AnswerCache.note(relay, model, payer.tenant, value, stale)
  // whoever calls again at once finds the connection free, which it is a turn after the body's end
  else yield* Effect.yieldNow
  const { endpoint, finishReason: reason, model: answering, tokens, truncated } = value
  const latency = now() - startedAt
  const spokeAt = heard?.spokeAt
  const finish: StreamChunk.StreamChunk = {
    _tag: "Finish",
    reason,
    truncated,
    tokens,
    meta: {
      endpoint,
      model: answering,
      firstChunk: spokeAt === undefined ? latency : Math.max(0, spokeAt - startedAt),
      latency,
      ...AnswerCache.paid(mine?.company),
      cache: !hit ? "miss" : stale ? "stale" : "hit"
    }
  }
  if (spokeAt !== undefined) return void out.say([finish])
  const start = { _tag: "Start" as const, endpoint, model: answering, attempts: 0 }
  yield* out.say([start, ...CachedAnswer.toDeltas(value), finish]) ?? Effect.void
})

const cutOff = (endpoint: string) => Fault.failureOf({ _tag: "CutOff", status: 200, code: "interrupted" }, endpoint)
