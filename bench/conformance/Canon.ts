/** The one answer that every server gives and every caller is to get, and how it goes over the wire. */

export const tokens: ReadonlyArray<string> = Array.from(
  { length: 60 },
  (_, index) => `${index === 0 ? "" : " "}${index + 1}`
)

export const text = tokens.join("")

/** Who answers: each of the two servers has a name for the model, and counts in its own way. */
export interface Author {
  readonly model: string
  readonly usage: {
    readonly prompt_tokens: number
    readonly completion_tokens: number
    readonly total_tokens: number
  }
}

const author = (model: string, prompt: number): Author => ({
  model,
  usage: { prompt_tokens: prompt, completion_tokens: tokens.length, total_tokens: prompt + tokens.length }
})

export const primary = author("primary-model", 11)
export const backup = author("backup-model", 13)

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

const chunk = (by: Author, delta: object, finishReason: string | null = null): string =>
  event({
    id: `chatcmpl-${by.model}`,
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: by.model,
    choices: [{ index: 0, delta, finish_reason: finishReason }]
  })

export const opening = (by: Author): string => chunk(by, { role: "assistant", content: "" })

export const token = (by: Author, index: number): string => chunk(by, { content: tokens[index] })

export const stop = (by: Author): string => chunk(by, {}, "stop")

export const usage = (by: Author): string =>
  event({ id: `chatcmpl-${by.model}`, object: "chat.completion.chunk", model: by.model, choices: [], usage: by.usage })

export const done = "data: [DONE]\n\n"

export const error = (message: string, type: string, code: string | null): string =>
  JSON.stringify({ error: { message, type, param: null, code } })

export const errorEvent = (message: string, type: string, code: string | null): string =>
  `data: ${error(message, type, code)}\n\n`
