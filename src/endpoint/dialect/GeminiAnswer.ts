/**
 * Reads what Gemini's `generateContent` answers.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as ChatAnswer from "../ChatAnswer.ts"
import * as Json from "../Json.ts"
import * as Misfit from "../Misfit.ts"
import type { Nullish } from "../Misfit.ts"
import * as WireError from "../WireError.ts"
import * as WireUsage from "../WireUsage.ts"

interface Call {
  readonly id: Nullish<string>
  readonly name: Nullish<string>
  readonly args: unknown
}

interface Part {
  readonly text: Nullish<string>
  readonly thought: Nullish<boolean>
  readonly functionCall: Nullish<Call>
  readonly inlineData: unknown
  readonly executableCode: unknown
}

interface Candidate {
  readonly index: Nullish<number>
  readonly content: Nullish<{ readonly parts: Nullish<ReadonlyArray<Part>> }>
  readonly finishReason: Nullish<string>
}

interface Usage {
  readonly promptTokenCount: Nullish<number>
  readonly candidatesTokenCount: Nullish<number>
  readonly thoughtsTokenCount: Nullish<number>
  readonly totalTokenCount: Nullish<number>
}

interface Answer {
  readonly candidates: ReadonlyArray<Candidate>
  readonly modelVersion: Nullish<string>
  readonly usageMetadata: Nullish<Usage>
}

const { at, count, flag, list, object, optionalList, optionalObject, text, whole } = Misfit

const inCall: Misfit.Check = (call) =>
  optionalObject(call, (fields) => at("id", text(fields["id"])) ?? at("name", text(fields["name"])))

const inPart: Misfit.Check = (part) =>
  object(part, (fields) =>
    at("text", text(fields["text"])) ?? at("thought", flag(fields["thought"])) ??
      at("functionCall", inCall(fields["functionCall"])))

const inContent: Misfit.Check = (content) =>
  optionalObject(content, (fields) => at("parts", optionalList(fields["parts"], inPart)))

const inCandidate: Misfit.Check = (candidate) =>
  object(candidate, (fields) =>
    at("index", whole(fields["index"])) ?? at("content", inContent(fields["content"])) ??
      at("finishReason", text(fields["finishReason"])))

const inUsage: Misfit.Check = (usage) =>
  optionalObject(usage, (fields) =>
    at("promptTokenCount", count(fields["promptTokenCount"])) ??
      at("candidatesTokenCount", count(fields["candidatesTokenCount"])) ??
      at("thoughtsTokenCount", count(fields["thoughtsTokenCount"])) ??
      at("totalTokenCount", count(fields["totalTokenCount"])))

const inAnswer: Misfit.Check = (body) =>
  object(
    body,
    (fields) =>
      at("candidates", list(fields["candidates"], inCandidate)) ?? at("modelVersion", text(fields["modelVersion"])) ??
        at("usageMetadata", inUsage(fields["usageMetadata"]))
  )

const partsOf = (candidate: Candidate): ReadonlyArray<Part> => candidate.content?.parts ?? []

const isPresent = (value: unknown): boolean => value !== undefined && value !== null

const hasSubstance = (part: Part): boolean =>
  (part.thought !== true && (part.text ?? "") !== "") ||
  [part.functionCall, part.inlineData, part.executableCode].some(isPresent)

/**
 * What the first candidate says, or why it says nothing.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (body: unknown): Result.Result<ChatAnswer.Draft, ChatAnswer.Flaw> => {
  const misfit = inAnswer(body)
  if (misfit !== undefined) return Result.fail({ reason: "Malformed", detail: Misfit.describe(misfit) })
  const { candidates, modelVersion, usageMetadata: usage } = body as Answer
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
    tokens: WireUsage.drafted(
      usage,
      usage?.promptTokenCount ?? 0,
      (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
      usage?.totalTokenCount ?? undefined
    ),
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
