/** The keys that a configuration names, out of the environment. */
import { Config, Effect, Record, Redacted } from "effect"
import { Configuration } from "effect-relay"

/** The value of a variable; `field` is where the file names it. */
export const of = (
  file: string,
  field: string,
  variable: string
): Effect.Effect<Redacted.Redacted, Configuration.InvalidConfiguration> =>
  Config.Redacted(variable).pipe(
    Effect.filterOrFail((key) => Redacted.value(key) !== ""),
    Effect.mapError(() =>
      new Configuration.InvalidConfiguration({
        subject: file,
        field,
        value: variable,
        rule: "the environment has to hold it"
      })
    )
  )

/** The same for the names of several. */
export const ofEach = (
  file: string,
  field: string,
  variables: Readonly<Record<string, string>>
): Effect.Effect<Readonly<Record<string, Redacted.Redacted>>, Configuration.InvalidConfiguration> =>
  Effect.all(Record.map(variables, (variable, name) => of(file, `${field}.${name}`, variable)))
