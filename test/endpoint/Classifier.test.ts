import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Duration, Result, Schema } from "effect"
import { Classifier, Dialect, type Failure, RelayError } from "effect-relay"

const now = Date.UTC(2026, 2, 1)
const subject: Classifier.Subject = { endpoint: "primary", account: "acme", model: "m-1", secrets: [], now }

type Body = string | object | null

const classify = (status: number, body: Body, headers: Readonly<Record<string, string>> = {}) =>
  Classifier.classify(
    { _tag: "Reply", status, headers, text: typeof body === "string" ? body : JSON.stringify(body) },
    subject
  )

const failureOf = (status: number, body: Body, headers?: Readonly<Record<string, string>>) => {
  const result = classify(status, body, headers)
  if (Result.isSuccess(result)) return assert.fail(`an answer: ${JSON.stringify(result.success)}`)
  return result.failure
}

const openai = (code: string | null, type: string | null, message = "Something went wrong.") => ({
  error: { message, type, param: null, code }
})
const anthropic = (type: string, message = "Something went wrong.", more: object = {}) => ({
  type: "error",
  error: { type, message, ...more },
  request_id: "req_1"
})
const gemini = (code: number, status: string, message: string, details: ReadonlyArray<object> = []) => ({
  error: { code, message, status, details }
})
const geminiQuota = (
  quotaId: string,
  message = "You exceeded your current quota, please check your plan.",
  retryDelay = "46s"
) =>
  gemini(429, "RESOURCE_EXHAUSTED", message, [
    { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [{ quotaId, quotaValue: "20" }] },
    { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay }
  ])
const openrouter = (code: number, message: string, metadata: object = {}) => ({ error: { code, message, metadata } })
const inChoice = (error: unknown, finish_reason: string | null = "stop", more: object = {}) => ({
  model: "m-1",
  choices: [{ index: 0, finish_reason, message: { role: "assistant", content: "The capital" }, error, ...more }]
})
const html = (title: string) =>
  `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body>${title}</body></html>`

type Row = readonly [name: string, status: number, body: Body, tag: string]

const tooManyTokens = "Request too large for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, " +
  "Requested 61337. The input or output tokens must be reduced in order to run successfully."
const spendCap = "You have reached your specified API usage limits. You will regain access on 2026-04-01 at 00:00 UTC."

const keyLimit = "Key limit exceeded (monthly limit). Manage it using https://openrouter.ai/settings/keys"

const byProvider: Readonly<Record<string, ReadonlyArray<Row>>> = {
  vLLM: [
    [
      "a window that is too small, at the top of the body",
      400,
      {
        object: "error",
        message: "This model's maximum context length is 4096 tokens.",
        type: "BadRequestError",
        code: 400
      },
      "ContextTooLong"
    ],
    [
      "a model it does not have",
      404,
      { object: "error", message: "The model does not exist.", code: 404 },
      "ModelNotFound"
    ]
  ],
  "a moderation in between": [
    [
      "an input that was flagged",
      403,
      {
        error: { code: 403, message: "Your input was flagged", metadata: { reasons: ["violence"], flagged_input: "…" } }
      },
      "ContentRefused"
    ]
  ],
  "Gemini's keys": [
    [
      "a key that is none",
      400,
      [{
        error: {
          code: 400,
          status: "INVALID_ARGUMENT",
          message: "API key not valid.",
          details: [{ reason: "API_KEY_INVALID" }]
        }
      }],
      "Unauthorized"
    ]
  ],
  OpenAI: [
    ["requests a minute", 429, openai("rate_limit_exceeded", "requests"), "RateLimited"],
    ["tokens a minute", 429, openai("rate_limit_exceeded", "tokens"), "RateLimited"],
    ["a 429 without a code", 429, openai(null, null), "RateLimited"],
    ["traffic that grew too fast", 429, openai("slow_down", "rate_limit_error"), "RateLimited"],
    ["traffic that grew too fast, as it was said before", 503, openai("slow_down", null), "RateLimited"],
    [
      "a request that is over the limit by itself",
      429,
      openai("rate_limit_exceeded", "tokens", tooManyTokens),
      "ContextTooLong"
    ],
    [
      "a prompt that is longer than the plan allows",
      429,
      openai(null, "rate_limit_error", "Extra usage is required for long context requests."),
      "ContextTooLong"
    ],
    ["no quota", 429, openai("insufficient_quota", "insufficient_quota"), "QuotaExceeded"],
    ["no quota, told by its type", 429, openai(null, "insufficient_quota"), "QuotaExceeded"],
    ["no quota, told by its code", 429, openai("insufficient_quota", "requests"), "QuotaExceeded"],
    ["no quota, told by its message", 429, openai(null, null, "You exceeded your current quota."), "QuotaExceeded"],
    ["no credit", 429, openai("credit_balance_exhausted", "insufficient_quota"), "QuotaExceeded"],
    ["a spend limit", 429, openai("organization_spend_limit_exceeded", "insufficient_quota"), "QuotaExceeded"],
    ["a project's spend limit", 429, openai("project_spend_limit_exceeded", "insufficient_quota"), "QuotaExceeded"],
    ["a usage limit", 429, openai("organization_usage_limit_exceeded", "insufficient_quota"), "QuotaExceeded"],
    ["a new kind of no quota", 429, openai("some_new_limit_exceeded", "insufficient_quota"), "QuotaExceeded"],
    ["a long prompt", 400, openai("context_length_exceeded", "invalid_request_error"), "ContextTooLong"],
    ["a refused prompt", 400, openai("content_policy_violation", "invalid_request_error"), "ContentRefused"],
    ["a bad request", 400, openai(null, "invalid_request_error"), "RequestRejected"],
    ["a wrong key", 401, openai("invalid_api_key", "invalid_request_error"), "Unauthorized"],
    ["a forbidden region", 403, openai("unsupported_country_region_territory", "request_forbidden"), "Unauthorized"],
    ["an unknown model", 404, openai("model_not_found", "invalid_request_error"), "ModelNotFound"],
    ["a model this key may not use", 403, openai("model_not_found", "invalid_request_error"), "ModelNotFound"],
    ["a conflict", 409, openai(null, null), "EndpointUnavailable"],
    ["a body that is too large", 413, openai(null, "invalid_request_error"), "RequestRejected"],
    ["an unprocessable request", 422, openai(null, "invalid_request_error"), "RequestRejected"],
    ["a server error", 500, openai(null, "server_error"), "EndpointUnavailable"],
    ["an overload", 503, openai("server_is_overloaded", "service_unavailable_error"), "EndpointUnavailable"],
    ["a gateway's page", 502, html("502 Bad Gateway"), "EndpointUnavailable"],
    ["a gateway's timeout", 504, html("504 Gateway Time-out"), "EndpointUnavailable"]
  ],
  Azure: [
    [
      "a blocked prompt",
      400,
      {
        error: {
          message: "The response was filtered.",
          type: null,
          param: "prompt",
          code: "content_filter",
          status: 400,
          innererror: { code: "ResponsibleAIPolicyViolation", content_filter_result: {} }
        }
      },
      "ContentRefused"
    ],
    ["a 429 with its status as code", 429, { error: { code: "429", message: "Please retry." } }, "RateLimited"],
    ["a wrong key", 401, { error: { code: "401", message: "Access denied." } }, "Unauthorized"],
    ["an unknown deployment", 404, { error: { code: "DeploymentNotFound", message: "No." } }, "ModelNotFound"]
  ],
  Anthropic: [
    ["a bad request", 400, anthropic("invalid_request_error"), "RequestRejected"],
    [
      "a low balance in a bad request",
      400,
      anthropic("invalid_request_error", "Your credit balance is too low."),
      "QuotaExceeded"
    ],
    ["a spend cap of one's own in a bad request", 400, anthropic("invalid_request_error", spendCap), "QuotaExceeded"],
    ["a long prompt", 400, anthropic("invalid_request_error", "prompt is too long: 210000 tokens"), "ContextTooLong"],
    ["a wrong key", 401, anthropic("authentication_error"), "Unauthorized"],
    ["a bill to pay", 402, anthropic("billing_error"), "QuotaExceeded"],
    ["a missing permission", 403, anthropic("permission_error"), "Unauthorized"],
    ["an unknown model", 404, anthropic("not_found_error"), "ModelNotFound"],
    ["a conflict", 409, anthropic("conflict_error"), "EndpointUnavailable"],
    ["a request that is too large", 413, anthropic("request_too_large"), "ContextTooLong"],
    ["a request that is too large, told by its proxy", 413, html("413 Payload Too Large"), "RequestRejected"],
    ["a rate limit", 429, anthropic("rate_limit_error"), "RateLimited"],
    [
      "a spend limit in a rate limit",
      429,
      anthropic("rate_limit_error", "Limit reached.", { details: { error_code: "enforced_spend_limit_reached" } }),
      "QuotaExceeded"
    ],
    ["a server error", 500, anthropic("api_error"), "EndpointUnavailable"],
    ["a timeout", 504, anthropic("timeout_error"), "EndpointUnavailable"],
    ["an overload", 529, anthropic("overloaded_error"), "EndpointUnavailable"],
    ["an overload inside a 200", 200, anthropic("overloaded_error"), "EndpointUnavailable"]
  ],
  Gemini: [
    ["a limit a minute", 429, geminiQuota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"), "RateLimited"],
    ["a limit without details", 429, gemini(429, "RESOURCE_EXHAUSTED", "Resource exhausted."), "RateLimited"],
    ["a limit in a list", 429, [gemini(429, "RESOURCE_EXHAUSTED", "Resource exhausted.")], "RateLimited"],
    ["a limit a day", 429, geminiQuota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), "QuotaExceeded"],
    [
      "a limit of zero: this account will never get this model",
      429,
      geminiQuota(
        "GenerateRequestsPerMinutePerProjectPerModel-FreeTier",
        "You exceeded your current quota. Quota exceeded for metric: generate_content_free_tier_requests, limit: 0"
      ),
      "ModelNotFound"
    ],
    ["an outage", 503, gemini(503, "UNAVAILABLE", "The model is overloaded."), "EndpointUnavailable"],
    ["a timeout", 504, gemini(504, "DEADLINE_EXCEEDED", "Too slow."), "EndpointUnavailable"],
    ["a refused key", 403, gemini(403, "PERMISSION_DENIED", "No."), "Unauthorized"]
  ],
  DeepSeek: [
    [
      "a balance that is used up",
      402,
      openai("invalid_request_error", "unknown_error", "Insufficient Balance"),
      "QuotaExceeded"
    ],
    ["bad parameters", 422, openai("invalid_request_error", null), "RequestRejected"],
    ["too many requests", 429, openai(null, null), "RateLimited"],
    ["a server error", 500, openai(null, null), "EndpointUnavailable"],
    ["an overload after blank lines", 503, `\n\n\n${JSON.stringify(openai(null, null))}`, "EndpointUnavailable"]
  ],
  OpenRouter: [
    ["a limit", 429, openrouter(429, "Rate limit exceeded", { limit_source: "openrouter" }), "RateLimited"],
    ["a limit inside a 200", 200, openrouter(429, "Provider returned error", { raw: "slow down" }), "RateLimited"],
    ["no credits inside a 200", 200, openrouter(402, "Insufficient credits"), "QuotaExceeded"],
    ["a provider's outage inside a 200", 200, openrouter(502, "Provider returned error"), "EndpointUnavailable"],
    ["a bad request inside a 200", 200, openrouter(400, "Bad parameter"), "RequestRejected"],
    ["a limit that the key was given", 403, openrouter(403, keyLimit), "QuotaExceeded"],
    ["a limit that the key was given, inside a 200", 200, openrouter(403, keyLimit), "QuotaExceeded"],
    ["a key that is forbidden", 403, openrouter(403, "Key is disabled"), "Unauthorized"],
    ["a limit in a choice that says stop", 200, inChoice({ code: 429, message: "Slow down." }), "RateLimited"],
    ["no credits in a choice", 200, inChoice({ code: 402, message: "No credits." }, null), "QuotaExceeded"],
    [
      "an outage in a choice that broke",
      200,
      inChoice({ code: 502, message: "Down." }, "error"),
      "EndpointUnavailable"
    ],
    ["a word of a provider's in a choice", 200, inChoice({ code: "insufficient_quota" }), "QuotaExceeded"],
    ["an error in a choice, of an unknown kind", 200, inChoice({ code: "odd" }), "InvalidResponse"],
    [
      "an error in a choice beside one at the top",
      200,
      { ...openrouter(402, "No credits."), ...inChoice({ code: 502 }) },
      "QuotaExceeded"
    ],
    [
      "a reason that only the provider gave",
      400,
      openrouter(400, "Provider returned error", {
        provider_name: "OpenAI",
        raw: JSON.stringify(openai("context_length_exceeded", "invalid_request_error"))
      }),
      "ContextTooLong"
    ]
  ],
  TGI: [
    [
      "a prompt that leaves the answer no room",
      422,
      {
        error: "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` " +
          "tokens and 200 `max_new_tokens`",
        error_type: "validation"
      },
      "ContextTooLong"
    ],
    [
      "a prompt that is too long by itself",
      422,
      {
        error: "Input validation error: `inputs` must have less than 4095 tokens. Given: 5000",
        error_type: "validation"
      },
      "ContextTooLong"
    ],
    [
      "another fault of the request",
      422,
      { error: "Input validation error: `temperature` must be strictly positive", error_type: "validation" },
      "RequestRejected"
    ],
    ["an overload", 429, { error: "Model is overloaded", error_type: "overloaded" }, "RateLimited"]
  ],
  "Groq, Qwen and Cloudflare": [
    ["no flex capacity", 498, openai("capacity_exceeded", null), "EndpointUnavailable"],
    ["an unpaid bill as a bad request", 400, openai("Arrearage", "Arrearage"), "QuotaExceeded"],
    ["an unpaid bill as a forbidden one", 403, openai("Arrearage", "Arrearage"), "QuotaExceeded"],
    ["a web server that is down", 520, html("520: Web server returns an unknown error"), "EndpointUnavailable"],
    ["a web server that refuses", 521, html("521: Web server is down"), "EndpointUnavailable"],
    ["a connection that timed out", 522, html("522: Connection timed out"), "EndpointUnavailable"],
    ["an origin that cannot be reached", 523, html("523: Origin is unreachable"), "EndpointUnavailable"],
    ["an origin that timed out", 524, html("524: A timeout occurred"), "EndpointUnavailable"],
    ["a limit as plain text", 429, "error code: 1015", "RateLimited"],
    ["an outage as plain text", 522, "error code: 522", "EndpointUnavailable"]
  ],
  "any service": [
    ["a limit of less than one", 429, openai(null, null, "Too many requests, limit: 0.5 a second"), "RateLimited"],
    ["a parameter of zero", 400, openai(null, "invalid_request_error", "limit: 0 is not allowed"), "RequestRejected"],
    ["an unknown error", 418, openai("teapot", "teapot_error"), "RequestRejected"],
    ["an unknown outage", 599, "", "EndpointUnavailable"],
    ["an error that is a text", 400, { error: "model is busy" }, "RequestRejected"],
    ["an error that is a known word", 429, { error: "insufficient_quota" }, "QuotaExceeded"],
    ["an error without anything in it", 500, { error: {} }, "EndpointUnavailable"],
    ["an error whose fields have wrong types", 400, { error: { code: [], type: 7, message: {} } }, "RequestRejected"],
    ["a JSON text that is no object", 503, "null", "EndpointUnavailable"],
    ["a JSON body that is cut off", 429, `{"error":{"message":"Rate li`, "RateLimited"],
    ["a timeout of the request", 408, "", "EndpointUnavailable"],
    ["a request that came too early", 425, "", "EndpointUnavailable"],
    ["a page that is not there", 404, html("404 Not Found"), "EndpointUnavailable"],
    ["a key that a page refuses", 401, html("401"), "Unauthorized"],
    ["a redirect", 302, "", "EndpointUnavailable"],
    ["a page with 200", 200, html("Welcome to nginx!"), "InvalidResponse"],
    ["an empty 200", 200, "", "InvalidResponse"],
    ["a 204", 204, "", "InvalidResponse"],
    ["an unknown error inside a 200", 200, openai(null, "mystery"), "InvalidResponse"],
    ["an error that is a text inside a 200", 200, { error: "no" }, "InvalidResponse"],
    [
      "an error beside an answer",
      200,
      { ...openai(null, "mystery"), choices: [{ message: { content: "Hi" } }] },
      "InvalidResponse"
    ],
    ["a number that is no status", 200, { error: { code: 429.5 } }, "InvalidResponse"]
  ]
}

for (const [provider, rows] of Object.entries(byProvider)) {
  describe(`what ${provider} says`, () => {
    it.each(rows)("%s (HTTP %d) is read as it is meant", (_, status, body, tag) => {
      const failure = failureOf(status, body)
      assert.strictEqual(failure._tag, tag, failure.message)
    })
  })
}

describe("an error in a choice", () => {
  it("carries its status and what was said", () => {
    assert.deepInclude(failureOf(200, inChoice({ code: 502, message: "Down." })), { status: 502, detail: "Down." })
  })

  it("is none where it is null", () => {
    assert.isTrue(Result.isSuccess(classify(200, inChoice(null))))
  })

  it("counts only in the choice that is the answer, wherever that stands", () => {
    const [failed] = inChoice({ code: 429 }).choices
    const [good] = inChoice(null).choices
    assert.isTrue(Result.isSuccess(classify(200, { choices: [good, { ...failed, index: 1 }] })))
    assert.isTrue(Result.isSuccess(classify(200, { choices: [{ ...failed, index: 1 }, good] })))
    assert.strictEqual(failureOf(200, { choices: [{ ...good, index: 1 }, failed] })._tag, "RateLimited")
  })
})

describe("a code at the top of a body", () => {
  const rows: ReadonlyArray<Row> = [
    ["of OpenAI's", 403, { code: "insufficient_quota", message: "No money." }, "QuotaExceeded"],
    ["of Alibaba's", 400, { code: "Arrearage", message: "Access denied.", request_id: "r" }, "QuotaExceeded"],
    ["beside an error that is null", 400, { error: null, code: "context_length_exceeded" }, "ContextTooLong"],
    ["that nobody knows, with a telling message", 400, { code: "x", message: "Prompt is too long." }, "ContextTooLong"],
    ["that is a number", 429, { code: 20_001, message: "Insufficient balance" }, "QuotaExceeded"],
    ["under a 5xx", 503, { code: "slow_down" }, "RateLimited"],
    ["that means nothing to us", 422, { code: "x" }, "RequestRejected"]
  ]
  it.each(rows)("%s, is read as one inside an error is (HTTP %d)", (_, status, body, tag) => {
    const failure = failureOf(status, body)
    assert.strictEqual(failure._tag, tag, failure.message)
  })

  it("is quoted by its message", () => {
    assert.deepInclude(failureOf(400, { code: "Arrearage", message: "Access denied." }), { detail: "Access denied." })
  })

  it("of an answer is no error", () => {
    assert.isTrue(Result.isSuccess(classify(200, { ...inChoice(null), code: "insufficient_quota" })))
  })
})

describe("a failure that was read", () => {
  it("names the endpoint, the account, the model and the status", () => {
    const quota = failureOf(429, openai("insufficient_quota", null, "No money."))
    assert.deepInclude(quota, { endpoint: "primary", account: "acme", status: 429, detail: "No money.", attempts: [] })
    assert.deepInclude(failureOf(404, openai("model_not_found", null)), {
      endpoint: "primary",
      model: "m-1",
      status: 404
    })
    assert.deepInclude(failureOf(429, openai(null, null, "Wait.")), {
      key: "primary",
      source: "Upstream",
      detail: "Wait."
    })
    assert.deepInclude(failureOf(502, "<p>Bad\n\n  gateway</p>"), {
      reason: "Status",
      status: 502,
      detail: "<p>Bad gateway</p>"
    })
  })

  it("carries the status that a 200 hides", () => {
    assert.deepInclude(failureOf(200, openrouter(502, "Down.")), { status: 502 })
    assert.deepInclude(failureOf(200, openai(null, "mystery", "Odd.")), {
      reason: "ErrorInBody",
      status: 200,
      detail: "Odd."
    })
  })

  it("has no detail where nothing was said", () => {
    for (const status of [400, 401, 404, 429, 500]) assert.notProperty(failureOf(status, ""), "detail")
  })

  it("has a short detail, however long the text", () => {
    const failure = failureOf(500, "<b>no</b> ".repeat(300_000))
    assert.property(failure, "detail")
    assert.isAtMost(failure.detail!.length, 400)
  })

  const waits: ReadonlyArray<readonly [status: number, body: Body, tag: string]> = [
    [429, openai("rate_limit_exceeded", "requests"), "RateLimited"],
    [429, openai("insufficient_quota", null), "QuotaExceeded"],
    [503, "", "EndpointUnavailable"],
    [200, openrouter(429, "Wait."), "RateLimited"]
  ]
  it.each(waits)("to HTTP %d carries the Retry-After it came with", (status, body, tag) => {
    const retryAfter = (value: string) => {
      const failure = failureOf(status, body, { "retry-after": value })
      assert.strictEqual(failure._tag, tag)
      return "retryAfter" in failure && failure.retryAfter !== undefined
        ? Duration.toMillis(failure.retryAfter)
        : undefined
    }
    assert.strictEqual(retryAfter("2"), 2000)
    assert.strictEqual(retryAfter("0.0005"), 1)
    assert.strictEqual(retryAfter("Sun, 01 Mar 2026 00:00:10 GMT"), 10_000)
    assert.strictEqual(retryAfter("abc"), undefined)
    assert.strictEqual(retryAfter("315360000"), 24 * 60 * 60 * 1000)
  })

  it("carries the delay that Gemini puts into the body", () => {
    const failure = failureOf(429, geminiQuota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"))
    assert.isTrue("retryAfter" in failure && failure.retryAfter !== undefined, "there is no retryAfter")
    if ("retryAfter" in failure) assert.deepStrictEqual(failure.retryAfter, Duration.seconds(46))
  })
})

describe("a time that a body tells", () => {
  const day = 24 * 60 * 60 * 1000
  const clock = (millis: number) => ({ date: new Date(millis).toUTCString() })
  const waitOf = (status: number, body: Body, headers?: Readonly<Record<string, string>>): number | undefined => {
    const failure = failureOf(status, body, headers)
    return "retryAfter" in failure && failure.retryAfter !== undefined
      ? Duration.toMillis(failure.retryAfter)
      : undefined
  }
  const access = (time: string) =>
    anthropic("invalid_request_error", `You have reached your specified API usage limits. ${time}`)
  const reset = (headers: object) => openrouter(429, "Rate limit exceeded: free-models-per-day", { headers })

  const times: ReadonlyArray<readonly [name: string, body: Body, wait: number | undefined]> = [
    ["a date and an hour", access("You will regain access on 2026-03-01 at 06:30 UTC."), 6.5 * 3_600_000],
    ["a date and an hour, a month ahead: a day is the longest", access(spendCap), day],
    ["a date and an hour that have passed", access("You will regain access on 2026-02-01 at 00:00 UTC."), 0],
    ["a date that is none", access("You will regain access on 2026-13-41 at 00:00 UTC."), undefined],
    ["an hour nobody knows of", access("You will regain access on 2026-03-01 at 06:30 Berlin time."), undefined],
    ["a date of something else", access("This model was released on 2026-03-01 at 06:30 UTC."), undefined]
  ]
  it.each(times)("of Anthropic's: %s", (_, body, wait) => {
    assert.strictEqual(failureOf(400, body)._tag, "QuotaExceeded")
    assert.strictEqual(waitOf(400, body), wait)
  })

  const daily = (retryDelay: string, message = "No.") => geminiQuota("RequestsPerDay-FreeTier", message, retryDelay)
  const ofADay: ReadonlyArray<readonly [name: string, body: Body, headers: object, wait: number | undefined]> = [
    ["hours", daily("36000s"), {}, 36_000_000],
    ["five minutes, as long as it is left alone anyway", daily("300s"), {}, 300_000],
    ["less, which is its pace", daily("299.9s"), {}, undefined],
    ["less, in words", daily("none", "Please retry in 3.5s."), {}, undefined],
    ["less, in a header beside hours", daily("36000s"), { "retry-after": "3" }, 36_000_000]
  ]
  it.each(ofADay)("of Google's for a quota of a day: %s", (_, body, headers, wait) => {
    assert.strictEqual(failureOf(429, body)._tag, "QuotaExceeded")
    assert.strictEqual(waitOf(429, body, { ...headers }), wait)
  })

  const quoted: ReadonlyArray<readonly [name: string, headers: object, wait: number | undefined]> = [
    ["epoch milliseconds", { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": String(now + 5000) }, 5000],
    ["epoch milliseconds as a number", { "X-RateLimit-Remaining": 0, "X-RateLimit-Reset": now + 5000 }, 5000],
    [
      "all that it sends",
      { "X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": String(now + 1000) },
      1000
    ],
    ["a week ahead: a day is the longest", { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": now + 7 * day }, day],
    ["a reset of what is not used up", { "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": now + 5000 }, undefined],
    ["a Retry-After, which goes first", { "Retry-After": "3", "X-RateLimit-Remaining": 0 }, 3000],
    ["rubbish", { "X-RateLimit-Remaining": {}, "X-RateLimit-Reset": [now], "Retry-After": null, date: 7 }, undefined]
  ]
  it.each(quoted)("of the headers that OpenRouter quotes: %s", (_, headers, wait) => {
    assert.strictEqual(failureOf(429, reset(headers))._tag, "RateLimited")
    assert.strictEqual(waitOf(429, reset(headers)), wait)
    assert.strictEqual(waitOf(200, reset(headers)), wait)
  })

  it("is by the service's own clock, however wrong that is", () => {
    const ahead = clock(now + 3_600_000)
    assert.strictEqual(
      waitOf(400, access("You will regain access on 2026-03-01 at 06:30 UTC."), ahead),
      5.5 * 3_600_000
    )
    const headers = { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": String(now + 3_605_000) }
    assert.strictEqual(waitOf(429, reset(headers), ahead), 5000)
  })

  it("comes after what the headers of the reply say", () => {
    const headers = { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": String(now + 5000) }
    assert.strictEqual(waitOf(429, reset(headers), { "retry-after": "9" }), 9000)
    assert.strictEqual(waitOf(400, access(spendCap), { "retry-after": "9" }), 9000)
  })
})

describe("what untyped code hands in", () => {
  const sound = { _tag: "Reply", status: 429, headers: { "retry-after": "7" }, text: `{"error":{"code":"slow_down"}}` }
  const completion = `{"choices":[{"message":{"content":"Hi."},"finish_reason":"stop"}]}`
  const outcomes: ReadonlyArray<unknown> = [
    undefined,
    null,
    5,
    {},
    { _tag: "Unheard" },
    { ...sound, headers: undefined },
    { ...sound, headers: null },
    { ...sound, headers: 5 },
    { ...sound, headers: { "retry-after": 7, "x-should-retry": true, date: new Date() } },
    { ...sound, headers: { "retry-after": ["7"], "x-ratelimit-remaining": {}, "x-ratelimit-reset": [] } },
    { ...sound, headers: { "retry-after": Object.create(null) } },
    { ...sound, headers: new Proxy({}, { ownKeys: () => assert.fail("nobody reads them") }) },
    { ...sound, text: undefined },
    { ...sound, text: 5 },
    { ...sound, text: new Uint8Array([1]) },
    { ...sound, status: "429" },
    { ...sound, status: undefined },
    { ...sound, status: NaN },
    { ...sound, status: 200, text: completion, headers: undefined },
    { _tag: "CutOff" },
    { _tag: "TooLarge" },
    { _tag: "Unreachable" },
    { _tag: "TimedOut" },
    { _tag: "Unsayable" }
  ]
  const subjects: ReadonlyArray<unknown> = [
    subject,
    undefined,
    null,
    {},
    { ...subject, secrets: undefined },
    { ...subject, secrets: [5, "sk-1", undefined] },
    { ...subject, now: undefined, endpoint: undefined, account: 7, model: null },
    { ...subject, dialect: {} },
    { ...subject, dialect: 5 },
    { ...subject, validate: "yes" },
    {
      ...subject,
      dialect: {
        ...Dialect.openrouter,
        error: () => ({ words: 5, message: {}, hint: "soon", until: "later", headers: 7, status: "bad" })
      }
    },
    {
      ...subject,
      dialect: {
        ...Dialect.openai,
        error: () => ({ words: ["x"], message: "m", hint: NaN, until: NaN, headers: { "retry-after": 5 }, status: 429 })
      }
    }
  ]
  it("may name its headers in any case", () => {
    for (const name of ["Retry-After", "RETRY-AFTER", "retry-after"]) {
      const failure = failureOf(429, openai("slow_down", null), { [name]: "7" })
      assert.deepInclude(failure, { _tag: "RateLimited", retryAfter: Duration.seconds(7) })
    }
    assert.deepInclude(failureOf(400, openai(null, null), { "X-Should-Retry": "true" }), { retry: "Anywhere" })
  })

  it("ends in an answer or a listed failure, whatever it is", () => {
    for (const outcome of outcomes) {
      for (const subject of subjects) {
        const result = Classifier.classify(outcome as never, subject as never)
        const failure = Classifier.failureIn(outcome as never, subject as never)
        const count = Classifier.check(outcome as never, subject as never, "Answer")
        const failures = [result, count].map((one) =>
          Result.isFailure<unknown, Failure.Answered>(one) ? one.failure : undefined
        )
        for (const one of [...failures, failure]) {
          if (one === undefined) continue
          assert.isTrue(tags.has(one._tag))
          assert.strictEqual(decode(encode(one))._tag, one._tag)
          assert.isString(one.message)
        }
      }
    }
  })

  it("is read where it can be", () => {
    const read = (outcome: unknown) => Classifier.classify(outcome as never, subject)
    const answer = read({ ...sound, status: 200, text: completion, headers: undefined })
    assert.strictEqual(Result.isSuccess(answer) ? answer.success.text : undefined, "Hi.")
    const headers = { "retry-after": 7 }
    const limited = read({ ...sound, headers })
    assert.deepInclude(Result.isFailure(limited) ? limited.failure : undefined, {
      _tag: "RateLimited",
      retryAfter: Duration.seconds(7)
    })
    assert.deepStrictEqual(headers, { "retry-after": 7 })
  })
})

const tags = new Set([
  "RateLimited",
  "QuotaExceeded",
  "EndpointUnavailable",
  "InvalidResponse",
  "Unauthorized",
  "ModelNotFound",
  "ContextTooLong",
  "ContentRefused",
  "RequestRejected"
])

const encode = Schema.encodeUnknownSync(RelayError.RelayError)
const decode = Schema.decodeUnknownSync(RelayError.RelayError)

/** Whatever comes back is an answer with sound fields, or a listed failure that survives the wire. */
const check = (status: number, text: string, headers: Readonly<Record<string, string>> = {}) => {
  const result = classify(status, text, headers)
  if (Result.isFailure(result)) {
    const { failure } = result
    assert.isTrue(tags.has(failure._tag), failure._tag)
    assert.strictEqual(decode(JSON.parse(JSON.stringify(encode(failure))))._tag, failure._tag)
    assert.isString(failure.message)
    return
  }
  const { finishReason, model, text: answer, tokens } = result.success
  assert.isTrue(status >= 200 && status < 300)
  for (const value of [answer, finishReason, model]) assert.isString(value)
  for (const count of Object.values(tokens)) assert.isTrue(Number.isFinite(count) && count >= 0, `tokens: ${count}`)
}

const bodies: ReadonlyArray<unknown> = [
  {
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "m-1",
    choices: [
      {
        index: 0,
        finish_reason: "tool_calls",
        message: {
          role: "assistant",
          content: null,
          refusal: null,
          tool_calls: [{ id: "call-1", type: "function", function: { name: "f", arguments: "{}" } }]
        }
      },
      { index: 1, finish_reason: "stop", message: { role: "assistant", content: [{ type: "text", text: "Hi." }] } }
    ],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 }
  },
  openai("rate_limit_exceeded", "tokens"),
  anthropic("rate_limit_error", "No.", { details: { error_code: "x" } }),
  [geminiQuota("PerDay")],
  openrouter(429, "No.", { raw: "{\"error\":{}}" })
]

/** Replaces what lies at the end of a way through a document. */
const mutate = (document: unknown, way: ReadonlyArray<number>, replacement: unknown): unknown => {
  const [step, ...rest] = way
  const isParent = typeof document === "object" && document !== null
  const keys = isParent ? Object.keys(document) : []
  if (step === undefined || keys.length === 0) return replacement
  const chosen = keys[step % keys.length]!
  const entries = keys.map((key): [string, unknown] => {
    const value = (document as Readonly<Record<string, unknown>>)[key]
    return [key, key === chosen ? mutate(value, rest, replacement) : value]
  })
  return Array.isArray(document) ? entries.map(([, value]) => value) : Object.fromEntries(entries)
}

const index = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))
const status = Schema.Union([
  Schema.Literals([200, 200, 200, 204, 302, 400, 401, 404, 429, 500]),
  Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 599 }))
])
const mutation = Arbitrary.all({
  body: Arbitrary.schema(index),
  way: Arbitrary.array(Arbitrary.schema(index), { minLength: 1, maxLength: 6 }),
  replacement: Arbitrary.schema(Schema.Json),
  cut: Arbitrary.schema(index)
})
const bytes = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))))

describe("any reply", () => {
  it.prop("of JSON ends in an answer or a listed failure", { status, json: Schema.Json }, ({ json, status }) => {
    check(status, JSON.stringify(json))
    check(status, JSON.stringify({ error: json }))
    check(status, JSON.stringify({ choices: json }))
    check(status, JSON.stringify({ choices: [{ message: json }], usage: json }))
  }, { arbitrary: { runs: 500, seed: 1 } })

  it.prop(
    "that is almost right ends in an answer or a listed failure",
    { mutation, status },
    ({ mutation, status }) => {
      const { body, cut, replacement, way } = mutation
      const text = JSON.stringify(mutate(bodies[body % bodies.length], way, replacement))
      check(status, text)
      check(200, text)
      check(status, text.slice(0, Math.floor((text.length * cut) / 20)))
    },
    { arbitrary: { runs: 2000, seed: 1 } }
  )

  it.prop("of text, bytes and headers ends in an answer or a listed failure", {
    status,
    text: Schema.String,
    bytes,
    header: Schema.String
  }, ({ bytes, header, status, text }) => {
    const headers = { "retry-after": header, date: text, "retry-after-ms": text }
    check(status, text, headers)
    check(status, new TextDecoder().decode(Uint8Array.from(bytes)), headers)
  }, { arbitrary: { runs: 500, seed: 1 } })

  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`
  it.each([
    deep,
    `{"error":${deep}}`,
    `{"error":{"data":${deep}}}`,
    `{"choices":${deep}}`,
    `{"choices":[{"message":${deep}}]}`
  ])(
    "that is nested very deep ends in a listed failure (%#)",
    (text) => {
      for (const status of [200, 400, 429, 500]) assert.doesNotThrow(() => check(status, text))
    }
  )

  it("that is nested very deep beside an answer is that answer", () => {
    const answer = classify(200, `{"choices":[{"message":{"content":"Hi."}}],"more":${deep}}`)
    assert.strictEqual(Result.isSuccess(answer) ? answer.success.text : answer.failure.message, "Hi.")
  })
})
