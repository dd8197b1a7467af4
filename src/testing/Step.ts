/**
 * What a scripted endpoint can do when it is asked.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"

/**
 * One thing an endpoint does when it is asked. Build it with `answer`, `status`,
 * `body`, `stream`, `events` or `fault`.
 *
 * @category models
 * @since 0.1.0
 */
export type Step =
  | {
    readonly _tag: "Reply"
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
    readonly delay: Duration.Duration
  }
  | {
    readonly _tag: "Stream"
    readonly headers: Readonly<Record<string, string>>
    readonly parts: ReadonlyArray<Part>
    readonly delay: Duration.Duration
  }
  | { readonly _tag: "Fault"; readonly fault: Fault; readonly delay: Duration.Duration }

/**
 * What can go wrong below HTTP: the connection is `refused`, it is `reset` in
 * the middle of the body, or there is `silence`.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault = "refused" | "reset" | "silence"

/**
 * One thing that happens while a body is streamed: bytes come, as one packet; time passes; the connection is `reset`, or
 * there is `silence`. After the last the body ends.
 *
 * @category models
 * @since 0.1.0
 */
export type Part =
  | string
  | Uint8Array
  | { readonly wait: Duration.Input }
  | { readonly fault: Exclude<Fault, "refused"> }

/**
 * When a step happens.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timing {
  /** How long the endpoint takes. Default: no time at all. */
  readonly delay?: Duration.Input | undefined
}

const delayOf = (timing: Timing | undefined): Duration.Duration => Duration.fromInputUnsafe(timing?.delay ?? 0)

/**
 * A reply with this body, whatever it is.
 *
 * @category steps
 * @since 0.1.0
 */
export const body = (
  text: string,
  options?: Timing & {
    readonly status?: number | undefined
    readonly headers?: Readonly<Record<string, string>> | undefined
  }
): Step => ({
  _tag: "Reply",
  status: options?.status ?? 200,
  headers: { "content-type": "application/json", ...options?.headers },
  body: text,
  delay: delayOf(options)
})

/**
 * A chat completion that says `text`.
 *
 * @category steps
 * @since 0.1.0
 */
export const answer = (
  text: string,
  options?: Timing & {
    readonly model?: string | undefined
    readonly finishReason?: string | undefined
    readonly inputTokens?: number | undefined
    readonly outputTokens?: number | undefined
  }
): Step => {
  const input = options?.inputTokens ?? 10
  const output = options?.outputTokens ?? 5
  return body(
    JSON.stringify({
      id: "chatcmpl-scripted",
      object: "chat.completion",
      model: options?.model ?? "scripted",
      choices: [
        { index: 0, message: { role: "assistant", content: text }, finish_reason: options?.finishReason ?? "stop" }
      ],
      usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
    }),
    options
  )
}

/**
 * A body of server-sent events that comes in these parts, whatever they are.
 *
 * @category steps
 * @since 0.1.0
 */
export const events = (
  parts: ReadonlyArray<Part>,
  options?: Timing & { readonly headers?: Readonly<Record<string, string>> | undefined }
): Step => ({
  _tag: "Stream",
  headers: { "content-type": "text/event-stream", ...options?.headers },
  parts,
  delay: delayOf(options)
})

/**
 * A streamed chat completion that says these texts, one after the other.
 *
 * @category steps
 * @since 0.1.0
 */
export const stream = (
  texts: ReadonlyArray<string>,
  options?: Timing & {
    readonly model?: string | undefined
    readonly finishReason?: string | undefined
    readonly inputTokens?: number | undefined
    readonly outputTokens?: number | undefined
    /** How long before each text. Default: no time at all. */
    readonly between?: Duration.Input | undefined
    /**
     * What comes after the texts: all that makes an answer whole, or the body `closed` without that, the connection
     * `reset`, or `silence`. Default: `whole`.
     */
    readonly end?: "whole" | "closed" | "reset" | "silence" | undefined
  }
): Step => {
  const { between, end = "whole", finishReason = "stop", inputTokens = 10, model = "scripted", outputTokens } =
    options ?? {}
  const event = (more: object): string =>
    `data: ${JSON.stringify({ id: "chatcmpl-scripted", object: "chat.completion.chunk", model, ...more })}\n\n`
  const delta = (delta: object, reason: string | null = null): string =>
    event({ choices: [{ index: 0, delta, finish_reason: reason }] })
  const output = outputTokens ?? texts.length
  const usage = { prompt_tokens: inputTokens, completion_tokens: output, total_tokens: inputTokens + output }
  const said = texts.flatMap((content): ReadonlyArray<Part> => [
    ...(between === undefined ? [] : [{ wait: between }]),
    delta({ content })
  ])
  const last: ReadonlyArray<Part> = end === "whole"
    ? [delta({}, finishReason), event({ choices: [], usage }), "data: [DONE]\n\n"]
    : end === "closed"
    ? []
    : [{ fault: end }]
  return events([delta({ role: "assistant", content: "" }), ...said, ...last], options)
}

/**
 * A refusal with this status, and an error as OpenAI writes it.
 *
 * @category steps
 * @since 0.1.0
 */
export const status = (
  code: number,
  options?: Timing & {
    /** Sent as the `retry-after` header; a number is seconds. */
    readonly retryAfter?: number | string | undefined
    readonly headers?: Readonly<Record<string, string>> | undefined
    /** The `code` of the error. */
    readonly code?: string | undefined
    readonly type?: string | undefined
    readonly message?: string | undefined
  }
): Step =>
  body(
    JSON.stringify({
      error: {
        message: options?.message ?? `scripted HTTP ${code}`,
        type: options?.type ?? null,
        param: null,
        code: options?.code ?? null
      }
    }),
    {
      delay: options?.delay,
      status: code,
      headers: {
        ...(options?.retryAfter === undefined ? {} : { "retry-after": String(options.retryAfter) }),
        ...options?.headers
      }
    }
  )

/**
 * No proper reply at all.
 *
 * @category steps
 * @since 0.1.0
 */
export const fault = (fault: Fault, timing?: Timing): Step => ({ _tag: "Fault", fault, delay: delayOf(timing) })
