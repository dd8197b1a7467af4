/**
 * A chat as it goes to one endpoint after the other, each in its own words.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type * as ChatRequest from "./ChatRequest.ts"
import type { Dialect } from "./dialect/Definition.ts"
import * as Message from "./dialect/Message.ts"
import * as Endpoint from "./Endpoint.ts"
import type * as Failure from "./Failure.ts"
import * as Fault from "./Fault.ts"

/**
 * A message, or what of the chat the endpoint's dialect cannot say.
 *
 * @category models
 * @since 0.1.0
 */
export type Written = Result.Result<Message.Message, string>

/**
 * One chat. What was written to know whether an endpoint can be asked is what it
 * is sent, and what the next is sent that speaks alike.
 *
 * @category models
 * @since 0.1.0
 */
export class ChatMessage {
  readonly #body: ChatRequest.Body
  readonly #model: string
  // one is enough: bodies may be long, and candidates mostly speak alike
  #latest: { readonly dialect: Dialect; readonly model: string; readonly written: Written } | undefined

  /** By the caller's name for the model. */
  constructor(body: ChatRequest.Body, model: string) {
    this.#body = body
    this.#model = model
  }

  /** The endpoint's name for the model. */
  modelOf(endpoint: Endpoint.Endpoint): string {
    return Endpoint.wireModel(endpoint, this.#model) ?? this.#model
  }

  /** What the endpoint is sent. */
  writtenFor(endpoint: Endpoint.Endpoint): Written {
    const { dialect } = endpoint
    const model = this.modelOf(endpoint)
    // nobody wrote it to know, and kept it would be there as long as the answer takes
    if (Message.saysAll(dialect)) return Message.write(dialect, this.#body, model)
    if (this.#latest?.dialect !== dialect || this.#latest.model !== model) {
      this.#latest = { dialect, model, written: Message.write(dialect, this.#body, model) }
    }
    return this.#latest.written
  }

  /** Why the endpoint cannot be asked, if it cannot; nothing is written where its dialect says whatever there is. */
  refusal(endpoint: Endpoint.Endpoint): Failure.RequestRejected | undefined {
    if (Message.saysAll(endpoint.dialect)) return undefined
    const written = this.writtenFor(endpoint)
    return Result.isFailure(written) ? Fault.unsayable(endpoint.id, written.failure) : undefined
  }
}
