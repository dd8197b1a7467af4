/** Caches: ours and Effect's own. */
import { ResponseCache } from "effect-relay"
import * as Cache from "effect/Cache"
import * as Effect from "effect/Effect"
import * as CacheStore from "../../src/machine/CacheStore.ts"
import * as Loop from "../Loop.ts"
import * as Question from "../Question.ts"

const { answer, capacity, manyQuestions } = Question

const key = (characters: number) => () => {
  const question = Question.ofLength(characters)
  return Loop.ofFunction(() => ResponseCache.keyOf(question))
}

const ask = async (keys: ReadonlyArray<ResponseCache.CacheKey>) => {
  const cache = await Effect.runPromise(ResponseCache.make({ capacity }))
  const next = Question.inTurn(keys)
  // the terms say what an answer is worth, as a relay's do
  const terms = { worth: () => ({ tokens: 130, money: 90_000 }) }
  return Loop.ofEffect(() => cache.throughKey(next(), answer, terms))
}

const askAlone = (keys: ReadonlyArray<ResponseCache.CacheKey>) => {
  const store = CacheStore.make<number>({ entries: capacity, bytes: Infinity })
  const next = Question.inTurn(keys)
  return Loop.ofFunction(() => {
    const key = next()
    return CacheStore.use(store, key) ?? CacheStore.keep(store, key, 1, 1000, Infinity, 0)
  })
}

const askEffects = async (keys: ReadonlyArray<string>) => {
  const cache = await Effect.runPromise(Cache.make({ capacity, timeToLive: "5 minutes", lookup: () => answer }))
  const next = Question.inTurn(keys)
  return Loop.ofEffect(() => Cache.get(cache, next()))
}

const few = (): ReadonlyArray<ResponseCache.CacheKey> => Question.keys(capacity / 2)
const many = (): ReadonlyArray<ResponseCache.CacheKey> => Question.keys(manyQuestions)

export const ours: Loop.Loops = {
  "cache key, 500 B": key(500),
  "cache key, 2 kB": key(2000),
  "cache key, 20 kB": key(20_000),
  "cache hit": () => ask(few()),
  "cache miss": () => ask(many())
}

/** What is kept and what goes, outside of any fiber. */
export const alone: Loop.Loops = {
  "cache hit": () => askAlone(few()),
  "cache miss": () => askAlone(many())
}

export const effects: Loop.Loops = {
  "cache hit": () => askEffects(few()),
  "cache miss": () => askEffects(many())
}
