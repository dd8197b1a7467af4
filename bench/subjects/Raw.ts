/** The operations without any policy: as effects in a running fiber, and as awaited promises. */
import * as Effect from "effect/Effect"
import * as Answer from "../Answer.ts"
import * as Loop from "../Loop.ts"
import * as Loopback from "../Loopback.ts"
import * as Operation from "../Operation.ts"
import * as Question from "../Question.ts"
import * as StreamTransport from "../StreamTransport.ts"
import * as Transport from "../Transport.ts"

const value = () => Loop.ofEffect(() => Operation.value)
const rejection = () => {
  const failed = Effect.fail(Operation.down)
  return Loop.ofFailure(() => failed)
}

const writing = (characters: number) => () => {
  const { request } = Question.ofLength(characters)
  return Loop.ofFunction(() => JSON.stringify(request))
}

const exchange = () => Loop.timed(Transport.exchange)

const streamed = async (): Promise<Loop.Read> => {
  const read = await Loopback.startStream()
  return (chunks, onText) => Effect.promise(() => read(chunks, onText))
}

export const effects: Loop.Loops = {
  "raw effect": value,
  "breaker closed": value,
  "breaker rejecting": rejection,
  "bulkhead": value,
  "bulkhead rejecting": rejection,
  "limiter": value,
  "limiter rejecting": rejection,
  "timeout": () => Loop.ofEffect(Operation.promise),
  "retry on success": value,
  "all five": () => Loop.ofEffect(Operation.promise),
  "failure through all five": () => Loop.ofFailure(Operation.failure),
  "cache key, 500 B": writing(500),
  "cache key, 2 kB": writing(2000),
  "cache key, 20 kB": writing(20_000),
  "cache hit": () => Loop.ofEffect(() => Question.answer),
  "cache miss": () => Loop.ofEffect(() => Question.answer),
  "relay decision, 1 endpoint": value,
  "relay decision, 10 endpoints": value,
  "relay decision, 100 endpoints": value,
  "relay decision, 1000 endpoints": value,
  "relay decision, 10000 endpoints": value,
  "relay chat in memory, 1 endpoint": exchange,
  "relay chat in memory, 10 endpoints": exchange,
  "relay chat in memory, 100 endpoints": exchange,
  "relay chat in memory, 1000 endpoints": exchange,
  "relay chat in memory, 10000 endpoints": exchange,
  "relay chat over loopback": async () => {
    const ask = await Loopback.start()
    return Loop.timed(() => Effect.promise(ask))
  },
  "relay stream in memory, a chunk": () => Loop.ofChunks(StreamTransport.read),
  "relay stream over loopback, a chunk": async () => Loop.ofChunks(await streamed()),
  "relay stream over loopback, first token": async () => Loop.ofFirstChunks(await streamed(), Answer.short)
}

const answer = () => Loop.ofPromise(Operation.answer)
const breakDown = () => Loop.ofRejection(Operation.breakDown)

export const promises: Loop.Loops = {
  "raw effect": answer,
  "breaker closed": answer,
  "breaker rejecting": breakDown,
  "bulkhead": answer,
  "bulkhead rejecting": breakDown,
  "timeout": answer,
  "retry on success": answer,
  "all five": answer,
  "failure through all five": breakDown,
  "relay chat over loopback": async () => Loop.ofPromise(await Loopback.start())
}
