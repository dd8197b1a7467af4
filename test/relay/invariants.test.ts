/** What holds whatever happens: random faults, delays, hedges, interrupts and deadlines over three endpoints. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Duration, Effect, Exit, Fiber, Layer, Random } from "effect"
import {
  type Attempt,
  Balance,
  type Bulkhead,
  CircuitBreaker,
  type Endpoint,
  type EndpointStatus,
  type RelayService
} from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"
import { TestClock } from "effect/testing"
import * as Trial from "./Trial.ts"

const { answer, body, fault, make, status } = ScriptedEndpoint

const runs = 100
const calls = 30
const steps = 40
const maxAttempts = 5
const ids = ["a", "b", "c"]
const changing = "b"

const below = (limit: number) => Effect.map(Random.next, (random) => Math.floor(random * limit))
const chance = (percent: number) => Effect.map(below(100), (n) => n < percent)
const oneOf = <A>(choices: ReadonlyArray<A>) => Effect.map(below(choices.length), (index) => choices[index]!)

const completion = (text: string): string => {
  const step = answer(text)
  return step._tag === "Reply" ? step.body : ""
}

/** A step that may do anything. Even its failures say which step they were, in a body that looks like an answer. */
const step = Effect.fnUntraced(function*(id: string, index: number) {
  const delay = Duration.millis(yield* oneOf([0, 0, 20, 300, 2000, 9000]))
  const lie = (code: number, headers = {}) =>
    body(completion(`${id} failed ${index}`), { status: code, delay, headers })
  if (yield* chance(50)) return answer(`${id} answered ${index}`, { delay })
  return yield* oneOf([
    lie(500),
    lie(503, { "retry-after": "2" }),
    lie(429),
    lie(429, { "retry-after": "3" }),
    status(429, { delay, code: "insufficient_quota", retryAfter: 20 }),
    lie(400),
    status(404, { delay }),
    body("<html>", { delay }),
    body("", { delay }),
    fault("refused", { delay }),
    fault("reset", { delay }),
    fault("silence", { delay })
  ])
})

interface Call {
  readonly caller: string
  readonly model: string
  readonly startedAt: number
  readonly deadline: number | undefined
  readonly interruptAfter: number | undefined
  readonly options: RelayService.ChatOptions
}

const call = Effect.fnUntraced(function*(index: number) {
  const deadline = (yield* chance(40)) ? yield* below(15_000) : undefined
  const described: Call = {
    caller: `caller ${index}`,
    model: yield* oneOf(["small", "large"]),
    startedAt: yield* below(60_000),
    deadline,
    interruptAfter: (yield* chance(30)) ? yield* below(10_000) : undefined,
    options: {
      ...(deadline === undefined ? {} : { deadline: Duration.millis(deadline) }),
      ...((yield* chance(20)) ? { tenant: "acme", cache: true } : {})
    }
  }
  return described
})

interface Ending {
  readonly call: Call
  readonly exit: Exit.Exit<RelayService.ChatReply, { readonly _tag: string; readonly attempts: Trail }> | undefined
}

type Trail = ReadonlyArray<Attempt.Attempt>

interface Report {
  readonly seed: number
  readonly endings: ReadonlyArray<Ending>
  readonly received: ReadonlyArray<readonly [string, ScriptedEndpoint.Received]>
  readonly status: ReadonlyArray<EndpointStatus.EndpointStatus>
  /** Every attempt there was, those of interrupted calls included. */
  readonly tries: Trail
}

/** Somebody who changes one endpoint again and again while calls are under way. */
const gardener = Effect.fnUntraced(function*(endpoint: Endpoint.Options) {
  const { endpoints } = yield* Trial.relay
  const { id } = endpoint
  for (let change = 0; change < 15; change++) {
    yield* Effect.sleep(yield* below(8000))
    const act = yield* oneOf([
      endpoints.isolate(id),
      endpoints.reset(id),
      endpoints.replace({ ...endpoint, tier: change % 3 }),
      Effect.andThen(endpoints.drain(id), endpoints.replace(endpoint)),
      Effect.andThen(endpoints.remove(id), Effect.andThen(Effect.sleep("1 second"), endpoints.add(endpoint)))
    ])
    yield* act
  }
  yield* endpoints.reset(id)
})

const narrow: Bulkhead.Options = { maxConcurrent: 3, maxQueued: 4, maxWait: "3 seconds" }

const run = Effect.fnUntraced(function*(seed: number) {
  const scripts = yield* Effect.forEach(
    ids,
    (id) => Effect.forEach(Array.from({ length: steps }), (_, index) => step(id, index))
  )
  const endpoints = ids.map((id, index) =>
    make(id, scripts[index] as [ScriptedEndpoint.Step, ...Array<ScriptedEndpoint.Step>], {
      tier: index === 2 ? 1 : 0,
      ...(index === 1 ? { limits: { requestsPerMinute: 90 } } : {})
    })
  )
  const planned = yield* Effect.forEach(Array.from({ length: calls }), (_, index) => call(index))
  return yield* Effect.gen(function*() {
    const heard = yield* Trial.listen
    const started = yield* Effect.forEach(planned, (planned) =>
      Trial.start(Effect.gen(function*() {
        yield* Effect.sleep(planned.startedAt)
        const { caller, model, options } = planned
        const fiber = yield* Trial.start(Trial.chat(options, { ...Trial.hi, model, caller }))
        if (planned.interruptAfter === undefined) return yield* Fiber.await(fiber)
        yield* Effect.sleep(planned.interruptAfter)
        yield* Fiber.interrupt(fiber)
        return yield* Fiber.await(fiber)
      })))
    yield* Trial.start(gardener(endpoints[ids.indexOf(changing)]!.endpoint))
    for (let step = 0; step < 20; step++) yield* Trial.pass("30 seconds")
    const report: Report = {
      seed,
      endings: started.map((fiber, index) => {
        const outer = fiber.pollUnsafe()
        return { call: planned[index]!, exit: outer?._tag === "Success" ? outer.value : undefined }
      }),
      received: (yield* Effect.forEach(ids, (id) =>
        Effect.map(Trial.received(id), (all) =>
          all.map((received) =>
            [id, received] as const
          )))).flat(),
      status: yield* Effect.flatMap(Trial.relay, ({ status }) => status),
      tries: heard.flatMap((event) => event._tag === "AttemptEnded" ? [event.attempt] : [])
    }
    return report
  }).pipe(Effect.provide(Trial.over(endpoints, {
    maxAttempts,
    balance: Balance.names[seed % Balance.names.length]!,
    attemptTimeout: "5 seconds",
    hedge: seed % 3 === 0 ? "off" : { delay: "300 millis", maxCopies: 1 + seed % 3, maxExtraLoad: 1, burst: 100 },
    bulkhead: narrow,
    circuitBreaker: { openFor: "5 seconds", tripPolicy: CircuitBreaker.consecutive(4) }
  })))
})

class Reports extends Context.Service<Reports, ReadonlyArray<Report>>()("test/relay/Reports") {
  static readonly layer = Layer.effect(
    Reports,
    Effect.forEach(
      Array.from({ length: runs }),
      (_, seed) => run(seed).pipe(Random.withSeed(seed), Effect.scoped, Effect.provide(TestClock.layer()))
    )
  )
}

const failed = (ending: Ending): Trail =>
  ending.exit?._tag !== "Failure"
    ? []
    : ending.exit.cause.reasons.flatMap((reason) => reason._tag === "Fail" ? reason.error.attempts : [])

const trail = (ending: Ending): Trail =>
  ending.exit?._tag === "Success" ? ending.exit.value.meta.attempts : failed(ending)

layer(Reports.layer)(`after ${runs} random runs of ${calls} calls`, (it) => {
  const forEach = (name: string, check: (ending: Ending, report: Report, where: string) => void) =>
    it.effect(name, () =>
      Effect.map(Reports, (reports) => {
        for (const report of reports) {
          for (const ending of report.endings) check(ending, report, `seed ${report.seed}, ${ending.call.caller}`)
        }
      }))

  const sentBy = (ending: Ending, { received }: Report) =>
    received.filter(([, { body }]) => body["caller"] === ending.call.caller)

  it.effect("the runs held what they are for: answers, failures of many kinds, interrupts, waits", () =>
    Effect.map(Reports, (reports) => {
      const seen = new Map<string, number>()
      const count = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)
      for (const ending of reports.flatMap(({ endings }) => endings)) {
        const { exit } = ending
        if (exit?._tag === "Success") count("Answered")
        else if (exit !== undefined && Exit.hasInterrupts(exit)) count("Interrupted")
        else exit?.cause.reasons.forEach((reason) => count(reason._tag === "Fail" ? reason.error._tag : reason._tag))
        for (const { outcome, round, sent } of trail(ending)) {
          count(outcome)
          if (round > 0 && sent) count("Retried")
          if (outcome === "Interrupted" && exit !== undefined && !Exit.hasInterrupts(exit)) count("Hedged")
        }
      }
      for (
        const what of [
          "Answered",
          "Interrupted",
          "Retried",
          "Hedged",
          "DeadlineExceeded",
          "RelayExhausted",
          "RequestRejected",
          "RateLimited",
          "QuotaExceeded",
          "BulkheadFull",
          "CircuitOpen",
          "EndpointUnavailable",
          "InvalidResponse"
        ]
      ) assert.isAtLeast(seen.get(what) ?? 0, 20, what)
      assert.isUndefined(seen.get("Die"))
    }))

  forEach("every call has ended", ({ exit }, _, where) => {
    assert.isDefined(exit, where)
  })

  it.effect("nothing is under way, held or queued", () =>
    Effect.map(Reports, (reports) => {
      for (const { seed, status } of reports) {
        for (const { bulkhead, id, inFlight, limiter } of status) {
          assert.deepStrictEqual(
            [inFlight, bulkhead.running, bulkhead.queued, limiter.queued],
            [0, 0, 0, 0],
            `seed ${seed}, ${id}`
          )
        }
      }
    }))

  forEach("no call was sent more often than it may be", (ending, report, where) => {
    assert.isAtMost(sentBy(ending, report).length, maxAttempts, where)
  })

  forEach("a trail tells of every request that was sent, and of no other", (ending, report, where) => {
    if (ending.exit === undefined || Exit.hasInterrupts(ending.exit)) return
    const told = trail(ending).filter(({ sent }) => sent).map(({ at, endpoint }) => `${endpoint} ${at}`)
    const sent = sentBy(ending, report).map(([id, { at }]) => `${id} ${at}`)
    assert.sameMembers(told, sent, where)
  })

  forEach("no request was sent once its deadline had passed, or its caller was gone", (ending, report, where) => {
    const { deadline, interruptAfter, startedAt } = ending.call
    const end = startedAt + Math.min(deadline ?? Infinity, interruptAfter ?? Infinity)
    for (const [, { at }] of sentBy(ending, report)) assert.isTrue(at < end || at === startedAt, where)
  })

  forEach("no call took longer than its deadline", (ending, _, where) => {
    const { deadline = Infinity } = ending.call
    if (ending.exit?._tag === "Success") assert.isBelow(ending.exit.value.meta.latency, deadline, where)
  })

  forEach("an answer is what an endpoint answered, never what it failed with", ({ exit }, _, where) => {
    if (exit?._tag !== "Success") return
    const { meta, text } = exit.value
    assert.match(text, new RegExp(`^${meta.endpoint} answered \\d+$`), where)
  })

  it.effect("every verdict is that of an attempt at the endpoint it stands with, and none is missing", () =>
    Effect.map(Reports, (reports) => {
      for (const { seed, status, tries } of reports) {
        // the one that the gardener replaces begins to count anew
        for (const { answered, failed, id } of status.filter(({ id }) => id !== changing)) {
          const outcomes = tries.filter(({ endpoint, sent }) => sent && endpoint === id).map(({ outcome }) => outcome)
          const answers = outcomes.filter((outcome) => outcome === "Success")
          const interrupts = outcomes.filter((outcome) => outcome === "Interrupted")
          assert.deepStrictEqual(
            { answered, failed },
            { answered: answers.length, failed: outcomes.length - answers.length - interrupts.length },
            `seed ${seed}, ${id}`
          )
        }
      }
    }))

  it.effect("every request that was sent has had its end", () =>
    Effect.map(Reports, (reports) => {
      for (const { received, seed, tries } of reports) {
        for (const id of ids) {
          assert.lengthOf(
            tries.filter(({ endpoint, sent }) => sent && endpoint === id),
            received.filter(([other]) => other === id).length,
            `seed ${seed}, ${id}`
          )
        }
      }
    }))
})

describe("interrupts", () => {
  it.effect("never open the circuit of a healthy endpoint, nor weigh against it", () =>
    Effect.gen(function*() {
      for (let call = 0; call < 300; call++) {
        const fiber = yield* Trial.start(Trial.chat(call % 3 === 0 ? { deadline: "1 second" } : {}))
        yield* Trial.pass(Duration.millis(yield* below(1500)))
        if (call % 3 !== 0) yield* Fiber.interrupt(fiber)
      }
      yield* Trial.pass("1 minute")
      const { answered, circuit, inFlight, state } = yield* Trial.status("a")
      assert.deepStrictEqual([state, inFlight, answered], ["Healthy", 0, 0])
      assert.deepInclude(circuit, { openings: 0, suspicion: 0 })
    }).pipe(
      Effect.provide(Trial.over([make("a", [answer("Hello.", { delay: "2 seconds" })])], {
        circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) }
      })),
      Random.withSeed("interrupts")
    ))
})
