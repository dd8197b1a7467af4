/**
 * The tools of a chat request: which there are, which may be called, which were.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Json from "../Json.ts"

/**
 * A tool the model may call; `parameters` is a JSON schema.
 *
 * @category models
 * @since 0.1.0
 */
export type Tool =
  | {
    readonly _tag: "Function"
    readonly name: string
    readonly description: string | undefined
    readonly parameters: unknown
  }
  /** One of the provider's own, which goes as it is. */
  | { readonly _tag: "Native"; readonly tool: Json.Json }

/**
 * A call that the model has asked for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  readonly id: string
  readonly name: string
  readonly input: Json.Json
}

/**
 * Whether tools may, must or must not be called, or which one must.
 *
 * @category models
 * @since 0.1.0
 */
export type Choice =
  | { readonly _tag: "Auto" | "None" | "Required" }
  | { readonly _tag: "Named"; readonly name: string }

const callOf = (call: unknown): Result.Result<Call, string> => {
  const { function: named, id } = Json.isRecord(call) ? call : {}
  const { arguments: text, name } = Json.isRecord(named) ? named : {}
  if (typeof id !== "string" || typeof name !== "string") return Result.fail("a tool call without an id and a name")
  const input = text === undefined || text === null || text === "" ? Result.succeed({}) : Json.parse(String(text))
  return Result.isSuccess(input) && Json.isRecord(input.success)
    ? Result.succeed({ id, name, input: input.success })
    : Result.fail("a tool call whose arguments are no JSON object")
}

/**
 * The tool calls of a message.
 *
 * @category decoding
 * @since 0.1.0
 */
export const callsOf = (message: Json.Json): Result.Result<ReadonlyArray<Call>, string> => {
  const { function_call: legacy, tool_calls: calls } = message
  if (legacy !== undefined && legacy !== null) return Result.fail("function_call")
  return Array.isArray(calls) ? Result.all(calls.map(callOf)) : Result.succeed([])
}

const toolOf = (tool: unknown): Result.Result<Tool, string> => {
  if (!Json.isRecord(tool)) return Result.fail("a tool that is no object")
  const { function: named, type } = tool
  if (type !== "function") return Result.succeed({ _tag: "Native", tool })
  const { description, name, parameters } = Json.isRecord(named) ? named : {}
  if (typeof name !== "string") return Result.fail("a tool without a name")
  return Result.succeed({
    _tag: "Function",
    name,
    description: typeof description === "string" ? description : undefined,
    parameters: parameters ?? undefined
  })
}

/**
 * The tools of a request.
 *
 * @category decoding
 * @since 0.1.0
 */
export const toolsOf = (tools: unknown): Result.Result<ReadonlyArray<Tool>, string> =>
  Array.isArray(tools) ? Result.all(tools.map(toolOf)) : Result.succeed([])

/**
 * The choice among the tools; `undefined` where none was made.
 *
 * @category decoding
 * @since 0.1.0
 */
export const choiceOf = (choice: unknown): Result.Result<Choice | undefined, string> => {
  switch (choice) {
    case undefined:
    case null:
      return Result.succeed(undefined)
    case "auto":
      return Result.succeed({ _tag: "Auto" })
    case "none":
      return Result.succeed({ _tag: "None" })
    case "required":
      return Result.succeed({ _tag: "Required" })
  }
  const named = Json.isRecord(choice) ? choice["function"] : undefined
  const name = Json.isRecord(named) ? named["name"] : undefined
  return typeof name === "string"
    ? Result.succeed({ _tag: "Named", name })
    : Result.fail("a tool_choice that is neither auto, none, required nor a function")
}
