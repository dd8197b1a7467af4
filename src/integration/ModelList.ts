/**
 * The models of a relay, as OpenAI's API lists them.
 *
 * @since 0.1.0
 */
import type * as EndpointStatus from "../endpoint/EndpointStatus.ts"

/**
 * One model.
 *
 * @category models
 * @since 0.1.0
 */
export interface Model {
  readonly id: string
  readonly object: "model"
  readonly created: number
  readonly owned_by: string
}

/**
 * The models that the endpoints name, by the names that callers use, each once;
 * those of endpoints on their way out are left out.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (endpoints: ReadonlyArray<EndpointStatus.EndpointStatus>): ReadonlyArray<Model> => {
  const names = new Set(endpoints.flatMap(({ models = [], state }) => state === "Draining" ? [] : models))
  // nobody knows when they were made; the field is one that clients count on
  return Array.from(names, (id) => ({ id, object: "model", created: 0, owned_by: "effect-relay" }))
}
