/** The endpoints that a configuration describes, with the keys that it names. */
import { Effect } from "effect"
import { Configuration, Dialect, Endpoint } from "effect-relay"
import type { GatewayConfig } from "./GatewayConfig.ts"
import * as Keys from "./Keys.ts"

const dialects: Readonly<Record<string, Dialect.Dialect>> = {
  openai: Dialect.openai,
  azure: Dialect.azure(),
  anthropic: Dialect.anthropic(),
  gemini: Dialect.gemini,
  deepseek: Dialect.deepseek,
  openrouter: Dialect.openrouter
}

// as part of the file it stands in
const check = (file: string, at: string, described: Endpoint.Options) =>
  Effect.mapError(
    Endpoint.make(described),
    ({ field, rule, value }) =>
      new Configuration.InvalidConfiguration({ subject: file, field: `${at}.${field}`, value, rule })
  )

export const make = (
  file: string,
  { endpoints }: GatewayConfig
): Effect.Effect<ReadonlyArray<Endpoint.Options>, Configuration.InvalidConfiguration> =>
  Effect.forEach(endpoints, ({ apiKeyFrom, dialect, headers, headersFrom, ...described }, index) => {
    const field = `endpoints.${index}`
    return Effect.gen(function*() {
      const secrets = yield* Keys.ofEach(file, `${field}.headersFrom`, headersFrom ?? {})
      const endpoint = {
        ...described,
        ...(dialect === undefined ? {} : { dialect: dialects[dialect] }),
        ...(apiKeyFrom === undefined ? {} : { apiKey: yield* Keys.of(file, `${field}.apiKeyFrom`, apiKeyFrom) }),
        headers: { ...headers, ...secrets }
      }
      yield* check(file, field, endpoint)
      return endpoint
    })
  })
