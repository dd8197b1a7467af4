/**
 * Writes a chat request for Gemini's `generateContent`.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as ChatRequest from "../ChatRequest.ts"
import * as Json from "../Json.ts"
import * as Conversation from "./Conversation.ts"
import type * as Tooling from "./Tooling.ts"

interface Content {
  readonly role: "user" | "model"
  readonly parts: Array<object>
}

const partOf = (part: Conversation.Part): object => {
  switch (part._tag) {
    case "Text":
      return { text: part.text }
    case "Image":
      return { inlineData: { mimeType: part.mediaType, data: part.data } }
    case "ImageUrl":
      return { fileData: { fileUri: part.url } }
  }
}

// what a tool found has to be an object
const foundBy = (parts: ReadonlyArray<Conversation.Part>): Json.Json => {
  const text = Conversation.textOf(parts)
  const json = Json.parse(text)
  return Result.isSuccess(json) && Json.isRecord(json.success) ? json.success : { result: text }
}

const partsOf = (turn: Conversation.Turn): ReadonlyArray<object> => {
  switch (turn._tag) {
    case "User":
      return turn.parts.map(partOf)
    case "Assistant":
      return [
        ...turn.parts.map(partOf),
        ...turn.calls.map(({ id, input, name }) => ({ functionCall: { id, name, args: input } }))
      ]
    case "Tool":
      return [{ functionResponse: { id: turn.id, name: turn.name, response: foundBy(turn.parts) } }]
  }
}

// the results of calls that were made together have to come together
const contentsOf = (turns: ReadonlyArray<Conversation.Turn>): ReadonlyArray<Content> => {
  const contents: Array<Content> = []
  for (const turn of turns) {
    const role = turn._tag === "Assistant" ? "model" : "user"
    const parts = partsOf(turn)
    const last = contents.at(-1)
    // an empty content is refused
    if (parts.length === 0) continue
    if (last?.role === role) last.parts.push(...parts)
    else contents.push({ role, parts: [...parts] })
  }
  return contents
}

const declarationOf = (tool: Extract<Tooling.Tool, { readonly _tag: "Function" }>): object => ({
  name: tool.name,
  ...(tool.description === undefined ? {} : { description: tool.description }),
  ...(tool.parameters === undefined ? {} : { parametersJsonSchema: tool.parameters })
})

const modeOf = (choice: Tooling.Choice): object => {
  switch (choice._tag) {
    case "Auto":
      return { mode: "AUTO" }
    case "None":
      return { mode: "NONE" }
    case "Required":
      return { mode: "ANY" }
    case "Named":
      return { mode: "ANY", allowedFunctionNames: [choice.name] }
  }
}

const toolsOf = ({ toolChoice, tools }: Conversation.Conversation): object => {
  const declarations = tools.flatMap((tool) => tool._tag === "Function" ? [declarationOf(tool)] : [])
  const natives = tools.flatMap((tool) => tool._tag === "Native" ? [tool.tool] : [])
  const all = [...(declarations.length === 0 ? [] : [{ functionDeclarations: declarations }]), ...natives]
  if (all.length === 0) return {}
  return {
    tools: all,
    ...(toolChoice === undefined ? {} : { toolConfig: { functionCallingConfig: modeOf(toolChoice) } })
  }
}

// it may always call several at once
const mayCallTools = ({ toolChoice, tools }: Conversation.Conversation): boolean =>
  tools.length > 0 && toolChoice?._tag !== "None"

const isGiven = ([, value]: readonly [string, unknown]): boolean => value !== undefined && value !== null

const configOf = (
  request: ChatRequest.ChatRequest,
  { format, maxTokens, stop }: Conversation.Conversation,
  own: unknown
): object => {
  const config = Object.fromEntries(
    Object.entries({
      maxOutputTokens: maxTokens,
      temperature: request.temperature,
      topP: request["top_p"],
      seed: request["seed"],
      candidateCount: request["n"],
      presencePenalty: request["presence_penalty"],
      frequencyPenalty: request["frequency_penalty"],
      stopSequences: stop.length === 0 ? undefined : stop,
      responseMimeType: format._tag === "Json" ? "application/json" : undefined,
      responseJsonSchema: format._tag === "Json" ? format.schema : undefined
    }).filter(isGiven)
  )
  const all = { ...config, ...(Json.isRecord(own) ? own : {}) }
  return Object.keys(all).length === 0 ? {} : { generationConfig: all }
}

/**
 * The body of a request to `generateContent`, or what of it cannot be said there.
 *
 * @category encoding
 * @since 0.1.0
 */
export const write = (request: ChatRequest.ChatRequest): Result.Result<unknown, string> =>
  Result.flatMap(Conversation.read(request), (conversation) => {
    const { generationConfig, ...others } = conversation.others
    if (!conversation.isParallel && mayCallTools(conversation)) return Result.fail("parallel_tool_calls of false")
    return Result.succeed({
      ...(conversation.system.length === 0
        ? {}
        : { systemInstruction: { parts: conversation.system.map((text) => ({ text })) } }),
      contents: contentsOf(conversation.turns),
      ...toolsOf(conversation),
      ...configOf(request, conversation, generationConfig),
      ...others
    })
  })
