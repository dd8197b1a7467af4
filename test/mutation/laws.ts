/** Says to the laws of a test file how many cases they are to look at: a worker that is kept has the environment of its start. */
import { inject } from "vitest"

declare module "vitest" {
  interface ProvidedContext {
    readonly laws: "few" | "all"
  }
}

process.env["LAWS"] = inject("laws")
