/**
 * What a gateway tells of itself: which models there are, whether it works, how
 * its endpoints are.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import * as EndpointStatus from "../endpoint/EndpointStatus.ts"
import type * as RelayService from "../relay/RelayService.ts"
import * as GatewayReply from "./GatewayReply.ts"
import * as ModelList from "./ModelList.ts"

type Page = Effect.Effect<HttpServerResponse.HttpServerResponse>

type Relay = Pick<RelayService.RelayService, "status">

/**
 * The models that the endpoints name, or what `others` says where none names any.
 *
 * @category pages
 * @since 0.1.0
 */
export const models = (relay: Relay, others: Page): Page =>
  Effect.flatMap(relay.status, (status) => {
    const data = ModelList.make(status)
    return data.length > 0 ? Effect.succeed(HttpServerResponse.jsonUnsafe({ object: "list", data })) : others
  })

/**
 * One of these models.
 *
 * @category pages
 * @since 0.1.0
 */
export const model = (relay: Relay, id: string): Page =>
  Effect.map(relay.status, (status) => {
    const found = ModelList.make(status).find((model) => model.id === id)
    return found === undefined
      ? GatewayReply.refuse({ status: 404, code: "model_not_found", message: `no endpoint names the model ${id}` })
      : HttpServerResponse.jsonUnsafe(found)
  })

// these cannot be asked, whoever comes
const closed: ReadonlySet<EndpointStatus.State> = new Set(["Open", "Exhausted", "Isolated", "Draining"])

/**
 * Whether there is an endpoint that can be asked: 200 if so, else 503.
 *
 * @category pages
 * @since 0.1.0
 */
export const health = (relay: Relay): Page =>
  Effect.map(relay.status, (status) => {
    const usable = status.filter(({ state }) => !closed.has(state)).length
    return HttpServerResponse.jsonUnsafe(
      { status: usable > 0 ? "ok" : "unavailable", endpoints: status.length, usable },
      { status: usable > 0 ? 200 : 503 }
    )
  })

const encode = Schema.encodeSync(Schema.toCodecJson(Schema.Array(EndpointStatus.EndpointStatus)))

/**
 * How each endpoint is.
 *
 * @category pages
 * @since 0.1.0
 */
export const status = (relay: Relay): Page =>
  Effect.map(relay.status, (status) => HttpServerResponse.jsonUnsafe({ endpoints: encode(status) }))
