/** What holds for streams whatever happens: random cuts, stalls, errors, hedges, slow readers, interrupts and deadlines. */
import { assert, layer } from "@effect/vitest"
import { Context, Duration, Effect, Exit, Fiber, Layer, Random, Stream } from "effect"
import { CircuitBreaker, type EndpointStatus, type RelayError, RelayService, type StreamChunk } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import * as Trial from "./Trial.ts"

const { answer, events, fault, make, status, stream } = ScriptedEndpoint

const runs = 60
const calls = 20
const ids = ["a", "b", "c"]
const length = 6

const below = (limit: number) => Effect.map(Random.next, (random) => Math.floor(random * limit))
const oneOf = <A>(choices: ReadonlyArray<A>) => Effect.map(below(choices.length), (index) => choices[index]!)

/** What an endpoint says when it says all of it: no word of it is another's. */
const wordsOf = (id: string): ReadonlyArray<string> => Array.from({ length }, (_, index) => `${id}${index} `)
const textOf = (id: string): string => wordsOf(id).join("")

const stepOf = Effect.fnUntraced(function*(id: string) {
  const between = Duration.millis(yield* oneOf([0, 1, 100, 1000, 4000]))
  const delay = Duration.millis(yield* oneOf([0, 0, 50, 3000]))
  const words = wordsOf(id)
  const some = words.slice(0, yield* below(length + 1))
  const timing = { between, delay }
  return yield* oneOf<ScriptedEndpoint.Step>([
    stream(words, timing),
    stream(words, timing),
    stream(words, timing),
    stream(some, { ...timing, end: "reset" }),
    stream(some, { ...timing, end: "closed" }),
    stream(some, { ...timing, end: "silence" }),
    stream(some, { ...timing, finishReason: "error" }),
    events([
      ...some.map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`),
      "data: {\n\n"
    ]),
    events([
      ...some.map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`),
      "data: [DONE]\n\n"
    ]),
    events([`data: ${JSON.stringify({ error: { code: "server_error" } })}\n\n`]),
    answer(textOf(id), { delay }),
    status(503, { delay }),
    status(429, { delay }),
    status(400, { delay }),
    fault("refused"),
    fault("silence")
  ])
})

interface Plan {
  readonly options: RelayService.StreamOptions
  readonly startsAfter: number
  readonly interruptAfter: number | undefined
  /** Milliseconds that the reader takes over each chunk. */
  readonly pace: number
}

const planOf = Effect.gen(function*(): Effect.fn.Return<Plan> {
  const interruptAfter = yield* oneOf([undefined, undefined, undefined, 0, 1, 120, 2500, 9000])
  const deadline = yield* oneOf([undefined, undefined, 0.5, 3, 12])
  return {
    options: {
      commit: yield* oneOf(["firstToken", "firstToken", "whole", { characters: 8 }] as const),
      afterCommit: yield* oneOf(["fail", "restart", "continue"] as const),
      idleTimeout: yield* oneOf(["2 seconds", "10 seconds"] as const),
      firstTokenTimeout: "5 seconds",
      minThroughput: yield* oneOf([{ characters: 0, per: "1 second" }, { characters: 2, per: "2 seconds" }] as const),
      ...(deadline === undefined ? {} : { deadline: Duration.seconds(deadline) })
    },
    startsAfter: yield* below(5000),
    interruptAfter,
    pace: yield* oneOf([0, 0, 0, 1500])
  }
})

interface Ending {
  readonly plan: Plan
  readonly chunks: ReadonlyArray<StreamChunk.StreamChunk>
  readonly exit: Exit.Exit<void, RelayError.StreamError> | undefined
}

interface Report {
  readonly seed: string
  readonly endings: ReadonlyArray<Ending>
  readonly status: ReadonlyArray<EndpointStatus.EndpointStatus>
  readonly outcomes: ReadonlyArray<readonly [endpoint: string, outcome: string]>
}

const listen = Effect.fnUntraced(function*(plan: Plan) {
  const relay = yield* RelayService.RelayService
  const chunks: Array<StreamChunk.StreamChunk> = []
  const fiber: Fiber.Fiber<void, RelayError.StreamError> = yield* Trial.start(
    Stream.runForEach(relay.stream(Trial.hi, plan.options), (chunk) => {
      chunks.push(chunk)
      return plan.pace === 0 ? Effect.void : Effect.sleep(plan.pace)
    })
  )
  if (plan.interruptAfter !== undefined) {
    yield* Effect.sleep(plan.interruptAfter)
    yield* Fiber.interrupt(fiber)
    // whatever it held is back by now
  }
  const exit = yield* Fiber.await(fiber)
  return { plan, chunks, exit }
})

const run = Effect.fnUntraced(function*(seed: string) {
  const heard = yield* Trial.listen
  const endings: Array<Ending> = []
  for (let call = 0; call < calls; call++) {
    const plan = yield* planOf
    const index = endings.push({ plan, chunks: [], exit: undefined }) - 1
    yield* Effect.forkChild(
      Effect.andThen(
        Effect.sleep(plan.startsAfter),
        Effect.map(listen(plan), (ending) => {
          endings[index] = ending
        })
      ),
      { startImmediately: true }
    )
  }
  yield* Trial.pass("10 minutes")
  const relay = yield* RelayService.RelayService
  return {
    seed,
    endings,
    status: yield* relay.status,
    outcomes: heard.flatMap((event) =>
      event._tag === "AttemptEnded" && event.attempt.sent
        ? [[event.attempt.endpoint, event.attempt.outcome] as const]
        : []
    )
  } satisfies Report
})

const trial = (seed: string) =>
  Effect.gen(function*() {
    const endpoints = yield* Effect.forEach(ids, (id, index) =>
      Effect.map(
        Effect.all(Array.from({ length: 8 }, () => stepOf(id))),
        (steps) =>
          make(id, steps as [ScriptedEndpoint.Step, ...Array<ScriptedEndpoint.Step>], {
            tier: index === 2 ? 1 : 0,
            prefill: index > 0
          })
      ))
    const hedge = yield* oneOf([false, true])
    return yield* Effect.scoped(run(seed)).pipe(Effect.provide(Trial.over(endpoints, {
      hedge: hedge ? { delay: "500 millis" } : "off",
      circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(4), openFor: "3 seconds" },
      bulkhead: { maxConcurrent: 4, maxQueued: 4 }
    })))
  }).pipe(Random.withSeed(seed))

class Reports extends Context.Service<Reports, ReadonlyArray<Report>>()("test/relay/stream-invariants/Reports") {}

/** The parts of a stream: who spoke, what, and the marker before it. */
const partsOf = (chunks: Ending["chunks"]) => {
  const parts: Array<{ readonly after: string; readonly endpoint: string; text: string }> = []
  let marker = "the beginning"
  for (const chunk of chunks) {
    if (chunk._tag === "Restarted" || chunk._tag === "Continued") marker = chunk._tag
    if (chunk._tag === "Start") {
      parts.push({ after: marker, endpoint: chunk.endpoint, text: "" })
      marker = "nothing"
    }
    if (chunk._tag === "TextDelta") parts.at(-1)!.text += chunk.text
  }
  return parts
}

/** The text as its reader has it. */
const standing = (chunks: Ending["chunks"]): string =>
  partsOf(chunks).reduce((text, part) => part.after === "Continued" ? text + part.text : part.text, "")

layer(
  Layer.effect(
    Reports,
    Effect.map(Effect.forEach(Array.from({ length: runs }, (_, index) => `streams ${index}`), trial), Reports.of)
  ),
  { timeout: "120 seconds" }
)("whatever happens to streams", (it) => {
  const forEach = (name: string, check: (ending: Ending, where: string) => void) =>
    it.effect(name, () =>
      Effect.map(Reports, (reports) => {
        for (const { endings, seed } of reports) {
          endings.forEach((ending, call) => check(ending, `${seed}, call ${call}`))
        }
      }))

  it.effect("it does happen", () =>
    Effect.map(Reports, (reports) => {
      const seen = new Map<string, number>()
      const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)
      for (const { endings, outcomes } of reports) {
        for (const { chunks, exit } of endings) {
          for (const { _tag } of chunks) count(_tag)
          if (exit === undefined) continue
          if (Exit.hasInterrupts(exit)) count("Interrupted")
          const failure = Exit.findErrorOption(exit)
          if (failure._tag === "Some") count(failure.value._tag)
          if (Exit.hasDies(exit)) count("Die")
        }
        for (const [, outcome] of outcomes) count(`attempt ${outcome}`)
      }
      for (
        const what of [
          "Start",
          "TextDelta",
          "Finish",
          "Interrupted",
          "StreamInterrupted",
          "DeadlineExceeded",
          "attempt Success",
          "attempt Interrupted",
          "attempt EndpointUnavailable",
          "attempt InvalidResponse",
          "Restarted",
          "Continued"
        ]
      ) assert.isAtLeast(seen.get(what) ?? 0, 10, `${what}: ${JSON.stringify(Object.fromEntries(seen))}`)
      assert.isUndefined(seen.get("Die"))
    }))

  forEach("every stream has ended", ({ exit }, where) => assert.isDefined(exit, where))

  it.effect("nothing is under way, held or queued", () =>
    Effect.map(Reports, (reports) => {
      for (const { seed, status } of reports) {
        for (const { bulkhead, id, inFlight, limiter } of status) {
          assert.deepStrictEqual(
            [inFlight, bulkhead.running, bulkhead.queued, limiter.queued],
            [0, 0, 0, 0],
            `${seed}, ${id}`
          )
        }
      }
    }))

  forEach("a stream ends in a Finish, or it fails, or it was interrupted", ({ chunks, exit }, where) => {
    const isWhole = chunks.at(-1)?._tag === "Finish"
    // who was interrupted in the pause after the last chunk has got all of it
    if (exit?._tag === "Success") assert.isTrue(isWhole, where)
    else if (!Exit.hasInterrupts(exit!)) assert.isFalse(isWhole, where)
    assert.isAtMost(chunks.filter(({ _tag }) => _tag === "Finish").length, 1, where)
  })

  forEach("what passes for whole is all that whoever finished it has to say", ({ chunks }, where) => {
    const last = chunks.at(-1)
    if (last?._tag !== "Finish") return
    const parts = partsOf(chunks)
    assert.strictEqual(parts.at(-1)?.endpoint, last.meta.endpoint, where)
    assert.strictEqual(parts.at(-1)?.text, textOf(last.meta.endpoint), where)
  })

  forEach("every word is of whoever answers, from the first on, in order", ({ chunks }, where) => {
    for (const { endpoint, text } of partsOf(chunks)) assert.isTrue(textOf(endpoint).startsWith(text), where)
  })

  forEach("there is one start, and one more behind each marker", ({ chunks }, where) => {
    const tags = chunks.map(({ _tag }) => _tag)
    if (tags.length > 0) assert.strictEqual(tags[0], "Start", where)
    tags.forEach((tag, at) => {
      if (tag === "Start" && at > 0) assert.include(["Restarted", "Continued"], tags[at - 1], where)
    })
  })

  forEach("there are no markers but those that the caller asked for", ({ chunks, plan }, where) => {
    for (const { _tag } of chunks) {
      if (_tag === "Restarted") assert.strictEqual(plan.options.afterCommit, "restart", where)
      if (_tag === "Continued") assert.strictEqual(plan.options.afterCommit, "continue", where)
    }
  })

  forEach(
    "a failure after something came out has that, and one before it leaves nothing",
    ({ chunks, exit, plan }, where) => {
      const failure = exit === undefined ? undefined : Exit.findErrorOption(exit)
      if (failure?._tag !== "Some") return
      if (failure.value._tag !== "StreamInterrupted") return assert.deepStrictEqual(chunks, [], where)
      const marked = plan.options.afterCommit !== "fail"
      assert.strictEqual(failure.value.text, standing(chunks), `${where} ${marked}`)
      assert.isTrue(failure.value.tokens.isEstimated, where)
    }
  )

  it.effect("every verdict is that of an attempt: a stream counts once, and only at its end", () =>
    Effect.map(Reports, (reports) => {
      for (const { outcomes, seed, status } of reports) {
        for (const { answered, failed, id } of status) {
          const own = outcomes.filter(([endpoint]) => endpoint === id).map(([, outcome]) => outcome)
          const answers = own.filter((outcome) => outcome === "Success").length
          const interrupts = own.filter((outcome) => outcome === "Interrupted").length
          assert.deepStrictEqual(
            { answered, failed },
            { answered: answers, failed: own.length - answers - interrupts },
            `${seed}, ${id}`
          )
        }
      }
    }))
})
