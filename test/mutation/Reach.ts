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
  .map((path) => {
    const source = sources.get(path)!
    return { path, source, reached: reachedFrom(path), hasLaws: source.includes("/Law.ts\"") }
  })

/** Those that name the module come first, for they are likelier to notice a change, and those with long laws last. */
export const testsOf = (file: string): ReadonlyArray<string> => {
  const name = new RegExp(`\\b${posix.basename(file, ".ts")}\\b`)
  const rank = ({ hasLaws, source }: (typeof tests)[number]): number => Number(!name.test(source)) * 2 + Number(hasLaws)
  return tests.filter(({ reached }) => reached.has(file))
    .toSorted((a, b) => rank(a) - rank(b))
    .map(({ path }) => path)
}
