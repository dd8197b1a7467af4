/**
 * Reads what Gemini's `generateContent` answers.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as ChatAnswer from "../ChatAnswer.ts"
import * as Json from "../Json.ts"
import * as WireError from "../WireError.ts"

const nullish = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

const Part = Schema.Struct({
  text: nullish(Schema.String),
  thought: nullish(Schema.Boolean),
  functionCall: nullish(
    Schema.Struct({ id: nullish(Schema.String), name: nullish(Schema.String), args: nullish(Schema.Unknown) })
  ),
  inlineData: nullish(Schema.Unknown),
  executableCode: nullish(Schema.Unknown)
})

const Candidate = Schema.Struct({
  index: nullish(Schema.Int),
  content: nullish(Schema.Struct({ parts: nullish(Schema.Array(Part)) })),
  finishReason: nullish(Schema.String)
})

const Answer = Schema.Struct({
  candidates: Schema.Array(Candidate),
  modelVersion: nullish(Schema.String),
  usageMetadata: nullish(Schema.Struct({
    promptTokenCount: nullish(Schema.Finite),
    candidatesTokenCount: nullish(Schema.Finite),
    thoughtsTokenCount: nullish(Schema.Finite),
    totalTokenCount: nullish(Schema.Finite)
  }))
})

const decode = Schema.decodeUnknownResult(Answer)

const partsOf = (candidate: typeof Candidate.Type): ReadonlyArray<typeof Part.Type> => candidate.content?.parts ?? []

const isPresent = (value: unknown): boolean => value !== undefined && value !== null

const hasSubstance = (part: typeof Part.Type): boolean =>
  (part.thought !== true && (part.text ?? "") !== "") ||
  [part.functionCall, part.inlineData, part.executableCode].some(isPresent)

/**
 * What the first candidate says, or why it says nothing.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (body: unknown): Result.Result<ChatAnswer.Draft, ChatAnswer.Flaw> => {
  const decoded = decode(body)
  if (Result.isFailure(decoded)) {
    return Result.fail({ reason: "Malformed", detail: String(decoded.failure.message).slice(0, 300) })
  }
  const { candidates, modelVersion, usageMetadata: usage } = decoded.success
  const candidate = candidates.find(({ index }) => (index ?? 0) === 0) ?? candidates[0]
  if (candidate === undefined) return Result.fail({ reason: "Empty", detail: "candidates is empty" })
  const parts = partsOf(candidate)
  const calls = parts.flatMap(({ functionCall }) => functionCall ?? [])
  return Result.succeed({
    text: parts.map(({ text, thought }) => thought === true ? "" : text ?? "").join(""),
    // a model that calls a tool says that it stopped, like any other
    finishReason: calls.length > 0 && candidate.finishReason === "STOP"
      ? "tool_calls"
      : candidate.finishReason ?? undefined,
    toolCalls: calls.map(({ args, id, name }) => ({
      id: id ?? undefined,
      name: name ?? "",
      arguments: JSON.stringify(args ?? {})
    })),
    refusal: undefined,
    model: modelVersion ?? undefined,
    tokens: {
      input: usage?.promptTokenCount ?? 0,
      output: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
      total: usage?.totalTokenCount ?? undefined
    },
    hasMore: candidates.some((candidate) => partsOf(candidate).some(hasSubstance))
  })
}

/**
 * The error in a body; a prompt that was blocked is one, though it comes as an
 * answer without candidates.
 *
 * @category decoding
 * @since 0.1.0
 */
export const error = (body: unknown): WireError.WireError | undefined => {
  const feedback = Json.isRecord(body) ? body["promptFeedback"] : undefined
  const reason = Json.isRecord(feedback) ? feedback["blockReason"] : undefined
  return typeof reason === "string" && !(Json.isRecord(body) && Json.recordsOf(body["candidates"]).length > 0)
    ? WireError.make(["content_filter", reason], `the prompt was blocked: ${reason}`)
    : WireError.fromBody(body)
}
