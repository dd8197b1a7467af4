/** Which tests a file of `src/` can matter to: those that import it, themselves or by way of others. */
import { posix } from "node:path"
import { importsOf, read, tokenize } from "../architecture/Source.ts"

const sources = new Map([...read("src"), ...read("test/machine"), ...read("test/policy"), ...read("test")].map(
  ({ path, source }) => [path, source]
))

const targetsOf = (path: string): ReadonlyArray<string> =>
  importsOf(tokenize(sources.get(path)!)).flatMap(({ specifier }) => {
    const target = specifier === "effect-relay"
      ? "src/index.ts"
      : specifier === "effect-relay/testing"
      ? "src/testing/index.ts"
      : posix.join(posix.dirname(path), specifier)
    return sources.has(target) ? [target] : []
  })

const reachedFrom = (start: string): ReadonlySet<string> => {
  const reached = new Set([start])
  for (const path of reached) for (const target of targetsOf(path)) reached.add(target)
  return reached
}

const tests = Array.from(sources.keys())
  .filter((path) => /^test\/(machine|policy)\/.*\.test\.ts$/.test(path))
  .map((path) => ({ path, source: sources.get(path)!, reached: reachedFrom(path) }))

/** Those that name the module, and those that do not: the first are likelier to notice a change. */
export const testsOf = (file: string): readonly [near: ReadonlyArray<string>, far: ReadonlyArray<string>] => {
  const name = new RegExp(`\\b${posix.basename(file, ".ts")}\\b`)
  const reaching = tests.filter(({ reached }) => reached.has(file))
  const part = (isNear: boolean) =>
    reaching.filter(({ source }) => name.test(source) === isNear).map(({ path }) => path)
  return [part(true), part(false)]
}
