/**
 * What Effect's `LanguageModel` is asked, as a chat request.
 *
 * @since 0.1.0
 */
import * as AiError from "effect/ai/AiError"
import type * as LanguageModel from "effect/ai/LanguageModel"
import * as OpenAiStructuredOutput from "effect/ai/OpenAiStructuredOutput"
import * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import type * as ChatRequest from "../endpoint/ChatRequest.ts"

type Read<A> = Result.Result<A, AiError.AiErrorReason>

const unsayable = (description: string): Result.Result<never, AiError.AiErrorReason> =>
  Result.fail(new AiError.InvalidUserInputError({ description }))

const urlOf = ({ data, mediaType }: Prompt.FilePart): string => {
  if (data instanceof URL) return data.href
  return `data:${mediaType};base64,${base64Of(data)}`
}

const base64Of = (data: string | Uint8Array): string => typeof data === "string" ? data : Base64.encode(data)

const sounds: Readonly<Record<string, string>> = {
  "audio/wav": "wav",
  "audio/x-wav": "wav",
  "audio/mpeg": "mp3",
  "audio/mp3": "mp3"
}

const fileOf = (part: Prompt.FilePart): Read<object> => {
  const { data, fileName, mediaType } = part
  if (mediaType.startsWith("image/")) return Result.succeed({ type: "image_url", image_url: { url: urlOf(part) } })
  if (data instanceof URL) return unsayable(`a file of the type ${mediaType} has to be given as data, not as a URL`)
  const format = sounds[mediaType]
  return Result.succeed(
    format === undefined
      ? { type: "file", file: { filename: fileName ?? "file", file_data: urlOf(part) } }
      : { type: "input_audio", input_audio: { data: base64Of(data), format } }
  )
}

const partOf = (part: Prompt.UserMessagePart): Read<object> =>
  part.type === "text" ? Result.succeed({ type: "text", text: part.text }) : fileOf(part)

const userOf = ({ content }: Prompt.UserMessage): Read<ChatRequest.Message> => {
  const [first] = content
  // one text is understood by every API
  if (content.length === 1 && first?.type === "text") return Result.succeed({ role: "user", content: first.text })
  return Result.map(Result.all(content.map(partOf)), (parts) => ({ role: "user", content: parts }))
}

// thoughts stay with whoever had them, and approvals with whoever gave them
const assistantOf = ({ content }: Prompt.AssistantMessage): Read<ReadonlyArray<ChatRequest.Message>> => {
  const text = content.flatMap((part) => part.type === "text" ? [part.text] : []).join("")
  const calls = content.flatMap((part) =>
    part.type === "tool-call" && !part.providerExecuted
      ? [{ id: part.id, type: "function", function: { name: part.name, arguments: JSON.stringify(part.params ?? {}) } }]
      : []
  )
  if (content.some((part) => part.type === "file")) return unsayable("an assistant's message cannot hold a file")
  if (text === "" && calls.length === 0) return Result.succeed([])
  return Result.succeed([{
    role: "assistant",
    content: text === "" ? null : text,
    ...(calls.length === 0 ? {} : { tool_calls: calls })
  }])
}

const resultOf = ({ isFailure, modelOutput, result }: Prompt.ToolResultPart): string => {
  if (modelOutput !== undefined) return Prompt.toolModelOutputToText(modelOutput)
  const text = typeof result === "string" ? result : JSON.stringify(result) ?? ""
  return isFailure ? `error: ${text}` : text
}

const toolResultsOf = ({ content }: Prompt.ToolMessage): ReadonlyArray<ChatRequest.Message> =>
  content.flatMap((part) =>
    part.type === "tool-result" && !part.providerExecuted
      ? [{ role: "tool", tool_call_id: part.id, content: resultOf(part) }]
      : []
  )

const messagesOf = (message: Prompt.Message): Read<ReadonlyArray<ChatRequest.Message>> => {
  switch (message.role) {
    case "system":
      return Result.succeed([{ role: "system", content: message.content }])
    case "user":
      return Result.map(userOf(message), (user) => [user])
    case "assistant":
      return assistantOf(message)
    case "tool":
      return Result.succeed(toolResultsOf(message))
  }
}

const toolOf = (tool: Tool.Any): Read<object> => {
  if (Tool.isProviderDefined(tool)) {
    return Result.fail(
      new AiError.ToolConfigurationError({
        toolName: tool.name,
        description: "it is one provider's own, and a relay may ask any of them"
      })
    )
  }
  const description = Tool.getDescription(tool)
  const strict = Tool.getStrictMode(tool)
  return Result.succeed({
    type: "function",
    function: {
      name: tool.name,
      ...(description === undefined ? {} : { description }),
      parameters: Tool.getJsonSchema(tool),
      ...(strict === undefined ? {} : { strict })
    }
  })
}

const choiceOf = (choice: LanguageModel.ProviderOptions["toolChoice"]): unknown => {
  if (typeof choice === "string") return choice
  return "tool" in choice ? { type: "function", function: { name: choice.tool } } : choice.mode ?? "auto"
}

const toolsOf = ({ toolChoice, tools }: LanguageModel.ProviderOptions): Read<object> =>
  tools.length === 0
    ? Result.succeed({})
    : Result.map(Result.all(tools.map(toolOf)), (tools) => ({ tools, tool_choice: choiceOf(toolChoice) }))

const formatOf = ({ responseFormat }: LanguageModel.ProviderOptions): Read<object> => {
  if (responseFormat.type === "text") return Result.succeed({})
  return Result.try({
    try: () => ({
      response_format: {
        type: "json_schema",
        json_schema: {
          name: responseFormat.objectName,
          schema: Tool.getJsonSchemaFromSchema(responseFormat.schema, { transformer: transform }),
          strict: true
        }
      }
    }),
    catch: (error) =>
      new AiError.UnsupportedSchemaError({ description: error instanceof Error ? error.message : String(error) })
  })
}

/**
 * How a schema becomes what models are held to: the strict subset that OpenAI
 * takes, and most of its kin.
 *
 * @category encoding
 * @since 0.1.0
 */
export const transform: LanguageModel.CodecTransformer = OpenAiStructuredOutput.toCodecOpenAI

/**
 * The chat request for what was asked; `request` is what is said beside that.
 *
 * @category encoding
 * @since 0.1.0
 */
export const toChat = (
  options: LanguageModel.ProviderOptions,
  model: string,
  request: Readonly<Record<string, unknown>>
): Result.Result<ChatRequest.ChatRequest, AiError.AiErrorReason> =>
  Result.gen(function*() {
    const messages = (yield* Result.all(options.prompt.content.map(messagesOf))).flat()
    return { ...request, ...(yield* toolsOf(options)), ...(yield* formatOf(options)), model, messages }
  })
