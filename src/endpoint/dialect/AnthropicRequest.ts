/**
 * Writes a chat request as a message to Anthropic.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as ChatRequest from "../ChatRequest.ts"
import * as Conversation from "./Conversation.ts"
import type * as Tooling from "./Tooling.ts"

interface Message {
  readonly role: "user" | "assistant"
  readonly content: Array<object>
}

const blockOf = (part: Conversation.Part): object => {
  switch (part._tag) {
    case "Text":
      return { type: "text", text: part.text }
    case "Image":
      return { type: "image", source: { type: "base64", media_type: part.mediaType, data: part.data } }
    case "ImageUrl":
      return { type: "image", source: { type: "url", url: part.url } }
  }
}

const blocksOf = (turn: Conversation.Turn): ReadonlyArray<object> => {
  const said = turn.parts.map(blockOf)
  switch (turn._tag) {
    case "User":
      return said
    case "Assistant":
      return [...said, ...turn.calls.map(({ id, input, name }) => ({ type: "tool_use", id, name, input }))]
    case "Tool":
      return [{ type: "tool_result", tool_use_id: turn.id, content: said }]
  }
}

// the results of calls that were made together have to come together
const messagesOf = (turns: ReadonlyArray<Conversation.Turn>): ReadonlyArray<Message> => {
  const messages: Array<Message> = []
  for (const turn of turns) {
    const role = turn._tag === "Assistant" ? "assistant" : "user"
    const content = blocksOf(turn)
    const last = messages.at(-1)
    // an empty message is refused
    if (content.length === 0) continue
    if (last?.role === role) last.content.push(...content)
    else messages.push({ role, content: [...content] })
  }
  return messages
}

const toolOf = (tool: Tooling.Tool): object => {
  if (tool._tag === "Native") return tool.tool
  return {
    name: tool.name,
    ...(tool.description === undefined ? {} : { description: tool.description }),
    input_schema: tool.parameters ?? { type: "object", properties: {} }
  }
}

const choiceOf = (choice: Tooling.Choice | undefined): object => {
  switch (choice?._tag) {
    case undefined:
    case "Auto":
      return { type: "auto" }
    case "None":
      return { type: "none" }
    case "Required":
      return { type: "any" }
    case "Named":
      return { type: "tool", name: choice.name }
  }
}

const toolsOf = ({ isParallel, toolChoice, tools }: Conversation.Conversation): object => {
  if (tools.length === 0) return {}
  const isSaid = toolChoice !== undefined || !isParallel
  const choice = { ...choiceOf(toolChoice), ...(isParallel ? {} : { disable_parallel_tool_use: true }) }
  return {
    tools: tools.map(toolOf),
    // where no tool may be called there is nothing to say of several
    ...(isSaid ? { tool_choice: toolChoice?._tag === "None" ? choiceOf(toolChoice) : choice } : {})
  }
}

// its scale ends where that of chat completions is at one half
const hottest = 1

const temperatureOf = (temperature: unknown): object => {
  if (temperature === undefined || temperature === null) return {}
  return { temperature: typeof temperature === "number" ? Math.min(hottest, temperature) : temperature }
}

/**
 * The body of a request to `/messages`, or what of it cannot be said there.
 *
 * @category encoding
 * @since 0.1.0
 */
export const write = (request: ChatRequest.ChatRequest): Result.Result<unknown, string> =>
  Result.flatMap(Conversation.read(request), (conversation) => {
    const { format, maxTokens, others, stop, system, turns } = conversation
    const { n, top_p: topP, user } = request
    if (typeof n === "number" && n > 1) return Result.fail("more than one choice")
    if (format._tag === "Json") return Result.fail("a response_format of JSON")
    return Result.succeed({
      model: request.model,
      max_tokens: maxTokens,
      ...(system.length === 0 ? {} : { system: system.join("\n\n") }),
      messages: messagesOf(turns),
      ...toolsOf(conversation),
      ...(stop.length === 0 ? {} : { stop_sequences: stop }),
      ...temperatureOf(request.temperature),
      ...(topP === undefined || topP === null ? {} : { top_p: topP }),
      ...(typeof user === "string" ? { metadata: { user_id: user } } : {}),
      ...others
    })
  })
