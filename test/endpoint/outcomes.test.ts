import { assert, describe, it } from "@effect/vitest"
import { Duration, Result } from "effect"
import { type ChatAnswer, Classifier, Verdict } from "effect-relay"

const subject: Classifier.Subject = { endpoint: "primary", account: "acme", model: "m-1", secrets: ["sk-1"], now: 0 }

const failureOf = (outcome: Classifier.Outcome, more: Partial<Classifier.Subject> = {}) => {
  const result = Classifier.classify(outcome, { ...subject, ...more })
  return Result.isFailure(result) ? result.failure : assert.fail(`an answer: ${JSON.stringify(result.success)}`)
}

const reply = (
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {}
): Classifier.Outcome => ({
  _tag: "Reply",
  status,
  headers,
  text: typeof body === "string" ? body : JSON.stringify(body)
})

const error = (code: string | null, message = "Something went wrong.") => ({ error: { message, type: null, code } })

describe("a request of which no whole response came", () => {
  const faults: ReadonlyArray<readonly [name: string, fault: Classifier.Outcome, is: object]> = [
    [
      "nobody there",
      { _tag: "Unreachable", code: "ECONNREFUSED" },
      { _tag: "EndpointUnavailable", reason: "Connection", detail: "ECONNREFUSED" }
    ],
    [
      "a client that gave up by itself",
      { _tag: "Unreachable", code: "UND_ERR_HEADERS_TIMEOUT" },
      { _tag: "EndpointUnavailable", reason: "Timeout", detail: "UND_ERR_HEADERS_TIMEOUT" }
    ],
    [
      "no answer in time",
      { _tag: "TimedOut", limit: 1500 },
      { _tag: "EndpointUnavailable", reason: "Timeout", detail: "no answer within 1s 500ms" }
    ],
    [
      "a connection that ended in the middle",
      { _tag: "CutOff", status: 200, code: "ECONNRESET" },
      { _tag: "InvalidResponse", reason: "CutOff", status: 200, detail: "ECONNRESET" }
    ],
    [
      "more than there is room for",
      { _tag: "TooLarge", status: 200, maxBytes: 1000 },
      { _tag: "InvalidResponse", reason: "TooLarge", status: 200, detail: "the body is over 1000 bytes" }
    ],
    [
      "nothing that could be sent",
      { _tag: "Unsayable", what: "a joke" },
      { _tag: "RequestRejected", retry: "Elsewhere", detail: "its dialect cannot say a joke" }
    ]
  ]
  it.each(faults)("is a failure of its endpoint: %s", (_, fault, is) => {
    assert.deepInclude(failureOf(fault), { ...is, endpoint: "primary", attempts: [] })
    assert.strictEqual(Classifier.failureIn(fault, subject)?._tag, failureOf(fault)._tag)
  })
})

describe("a reply to anything", () => {
  it("is a failure where it has one, and none where it is only no chat", () => {
    assert.strictEqual(Classifier.failureIn(reply(429, error(null)), subject)?._tag, "RateLimited")
    assert.strictEqual(Classifier.failureIn(reply(200, error("insufficient_quota")), subject)?._tag, "QuotaExceeded")
    for (const body of [{ object: "list", data: [] }, "plain text", ""]) {
      assert.strictEqual(Classifier.failureIn(reply(200, body), subject), undefined)
    }
  })
})

const page = (title: string, body = "") => `<!DOCTYPE html><html><head><title>${title}</title></head>${body}</html>`

describe("an error in hiding", () => {
  const quota = JSON.stringify(error("insufficient_quota"))
  const hidden: ReadonlyArray<readonly [name: string, status: number, body: string, tag: string]> = [
    ["behind the comments of a queue", 200, `: keep-alive\n\n: keep-alive\n\n${quota}`, "QuotaExceeded"],
    ["behind a byte order mark and blank lines", 200, `\uFEFF\n\n${quota}`, "QuotaExceeded"],
    ["on a page", 502, page("Bad gateway", `<pre>${quota}</pre>`), "QuotaExceeded"],
    [
      "on a page, written for pages",
      200,
      page("Oops", `<pre>${quota.replaceAll("\"", "&quot;")}</pre>`),
      "QuotaExceeded"
    ],
    ["in the title of a page with 200", 200, page("503 Service Temporarily Unavailable"), "EndpointUnavailable"],
    ["in a heading with 200", 200, "<html><h1 class=\"a\">504 Gateway Time-out</h1></html>", "EndpointUnavailable"],
    ["in plain text with 200", 200, "error code: 522", "EndpointUnavailable"],
    ["in plain text of another status", 403, "error code: 1015", "RateLimited"],
    // a wrong address is no missing model
    ["in the title of a page that is not there", 404, page("404 Not Found"), "EndpointUnavailable"],
    ["in the title of a page that is not there, with 200", 200, page("404 Not Found"), "EndpointUnavailable"],
    // neither is every page an error
    ["nowhere", 200, page("Welcome to nginx!"), "InvalidResponse"],
    ["nowhere, though a number is there", 200, page("2026 in review"), "InvalidResponse"]
  ]
  it.each(hidden)("is found %s", (_, status, body, tag) => {
    assert.strictEqual(failureOf(reply(status, body))._tag, tag)
  })
})

describe("a wait that only the message tells", () => {
  const waits: ReadonlyArray<readonly [message: string, millis: number | undefined]> = [
    ["Quota exceeded. Please retry in 10h17m5.72s.", 37_025_720],
    ["Rate limit reached for gpt-5: Limit 3, Used 3. Please try again in 20s. Visit https://…", 20_000],
    ["Please try again in 6m0s", 360_000],
    ["Try again in 120ms.", 120],
    ["retry after 1.5s", 1500],
    ["Please try again in 100000h.", 24 * 60 * 60 * 1000],
    ["Requests have exceeded the token rate limit. Please retry after 3 seconds.", 3000],
    ["Rate limit of 10 per 60s exceeded. Please wait 30 seconds before retrying.", 30_000],
    ["Try again in 1 hour", 3_600_000],
    ["Please wait for 1.5 minutes.", 90_000],
    ["Please try again later.", undefined],
    ["We wait 3 lines", undefined],
    ["Please try again in 5.", undefined],
    ["Please try again in 5sec.", undefined]
  ]
  it.each(waits)("is read: %s", (message, millis) => {
    const failure = failureOf(reply(429, error("rate_limit_exceeded", message)))
    const wait = "retryAfter" in failure && failure.retryAfter !== undefined ? failure.retryAfter : undefined
    assert.strictEqual(wait === undefined ? undefined : Duration.toMillis(wait), millis)
  })

  it("is told better by the header, and by the details of the body", () => {
    const message = "Please retry in 30s."
    assert.deepInclude(failureOf(reply(429, error(null, message), { "retry-after": "5" })), {
      retryAfter: Duration.seconds(5)
    })
    const google = { error: { code: 429, message, details: [{ retryDelay: "46s" }] } }
    assert.deepInclude(failureOf(reply(429, google)), { retryAfter: Duration.seconds(46) })
  })
})

describe("x-should-retry", () => {
  const kinds: ReadonlyArray<
    readonly [tag: keyof typeof Verdict.byTag, outcome: (said: string) => Classifier.Outcome]
  > = (
    [
      ["RateLimited", 429, error("rate_limit_exceeded")],
      ["EndpointUnavailable", 503, ""],
      ["InvalidResponse", 200, ""],
      ["InvalidResponse", 200, error("mystery")],
      ["QuotaExceeded", 429, error("insufficient_quota")],
      ["Unauthorized", 401, error("invalid_api_key")],
      ["ModelNotFound", 404, error("model_not_found")],
      ["ContextTooLong", 400, error("context_length_exceeded")],
      ["ContentRefused", 400, error("content_filter")],
      ["RequestRejected", 400, error(null)]
    ] as const
  ).map(([tag, status, body]) => [tag, (said) => reply(status, body, { "x-should-retry": said })])

  it.each(kinds)("goes before the table, and leaves a %s what it is", (tag, outcome) => {
    const usual = Verdict.byTag[tag]
    const of = (said: string) => {
      const failure = failureOf(outcome(said))
      assert.strictEqual(failure._tag, tag)
      return Verdict.of(failure)
    }
    assert.deepStrictEqual(of("true"), { ...usual, again: true, elsewhere: true })
    assert.deepStrictEqual(of(" TRUE "), of("true"))
    // who may not be asked again may still not be the only one
    assert.deepStrictEqual(of("false"), { ...usual, again: false })
    for (const said of ["", "yes", "1", "maybe"]) assert.deepStrictEqual(of(said), usual)
  })

  it.each(kinds)("is not repeated in a %s that means the same anyway", (tag, outcome) => {
    assert.notProperty(failureOf(outcome(String(Verdict.byTag[tag].again))), "retry")
  })
})

describe("a validator of one's own", () => {
  const completion = { choices: [{ message: { content: "Yes." }, finish_reason: "stop" }] }
  const judge = (validate: (answer: ChatAnswer.ChatAnswer) => unknown, status = 200, body: unknown = completion) =>
    Classifier.classify(reply(status, body), { ...subject, validate: validate as Classifier.Subject["validate"] })
  const flawOf = (validate: (answer: ChatAnswer.ChatAnswer) => unknown) => {
    const result = judge(validate)
    return Result.isFailure(result) ? result.failure : assert.fail("an answer")
  }

  it("lets an answer pass in which it finds nothing wrong", () => {
    const result = judge(({ text }) => text === "Yes." ? undefined : "it does not say yes")
    assert.isTrue(Result.isSuccess(result))
  })

  it("makes an answer that it finds wrong an invalid response, which counts against the endpoint", () => {
    const failure = flawOf(({ text }) => `it says ${text}`)
    assert.deepInclude(failure, { _tag: "InvalidResponse", reason: "Rejected", status: 200, detail: "it says Yes." })
    assert.strictEqual(Verdict.of(failure).breaker, "Failure")
  })

  it("need not say what is wrong", () => {
    const failure = flawOf(() => "")
    assert.deepInclude(failure, { reason: "Rejected" })
    assert.notProperty(failure, "detail")
  })

  it("has found something wrong when it throws, or gives back what is no text", () => {
    const thrown = flawOf(() => {
      throw new Error("no key sk-1 here")
    })
    assert.deepInclude(thrown, { reason: "Rejected", detail: "the validator failed: no key <redacted> here" })
    for (const thing of [null, false, true, 0, {}, Promise.resolve(undefined)]) {
      assert.deepInclude(flawOf(() => thing), { reason: "Rejected" })
    }
    assert.deepInclude(
      flawOf(() => {
        throw "no error"
      }),
      { reason: "Rejected", detail: "the validator failed" }
    )
  })

  it("is asked about answers alone", () => {
    const never = () => assert.fail("it was asked")
    for (const [status, body] of [[200, ""], [200, { choices: [] }], [500, ""], [429, error(null)]] as const) {
      assert.isTrue(Result.isFailure(judge(never, status, body)))
    }
  })
})
