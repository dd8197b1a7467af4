/** The keys that a configuration names, out of the environment. */
import { Config, Effect, Record, Redacted } from "effect"
import { Configuration } from "effect-relay"

const valueOf = (
  file: string,
  field: string,
  variable: string,
  shape: RegExp
): Effect.Effect<Redacted.Redacted, Configuration.InvalidConfiguration> => {
  const refuse = (rule: string) =>
    new Configuration.InvalidConfiguration({ subject: file, field, value: variable, rule })
  return Effect.gen(function*() {
    const held = yield* Effect.mapError(Config.Redacted(variable), () => refuse("the environment has to hold it"))
    // the end of a line comes along out of a file of secrets
    const value = Redacted.value(held).trim()
    if (value === "") return yield* refuse("the environment has to hold it")
    if (!shape.test(value)) return yield* refuse("what the environment holds there has to be one line of visible ASCII")
    return Redacted.make(value)
  })
}

/** The key in a variable, without the spaces and line ends around it; `field` is where the file names it. */
export const of = (
  file: string,
  field: string,
  variable: string
): Effect.Effect<Redacted.Redacted, Configuration.InvalidConfiguration> =>
  valueOf(file, field, variable, /^[\x21-\x7e]+$/)

/** The same for the names of several, which are secret headers: there may be spaces in them. */
export const ofEach = (
  file: string,
  field: string,
  variables: Readonly<Record<string, string>>
): Effect.Effect<Readonly<Record<string, Redacted.Redacted>>, Configuration.InvalidConfiguration> =>
  Effect.all(Record.map(variables, (variable, name) => valueOf(file, `${field}.${name}`, variable, /^[\x20-\x7e]+$/)))
