/** JSON that differs from a sound one in a few places: whatever a reader may meet. */
import { Arbitrary } from "effect"
import * as Law from "../Law.ts"

type Path = ReadonlyArray<string>

const pathsOf = (value: unknown): ReadonlyArray<Path> =>
  typeof value !== "object" || value === null ? [[]] : [
    [],
    ...Object.entries(value).flatMap(([name, part]) => pathsOf(part).map((path) => [name, ...path]))
  ]

const remove = Symbol("remove")

/** The value with another in this place, or with none. */
const put = (value: unknown, [name, ...rest]: Path, other: unknown): unknown => {
  if (name === undefined) return other
  if (typeof value !== "object" || value === null || !(name in value)) return value
  const part = put(Reflect.get(value, name), rest, other)
  const entries = Object.entries(value).map((entry) => entry[0] === name ? [name, part] as const : entry)
  const kept = entries.filter(([, part]) => part !== remove)
  return Array.isArray(value) ? kept.map(([, part]) => part) : Object.fromEntries(kept)
}

// 1e999 is JSON, and infinite
const anything: ReadonlyArray<unknown> = [
  null,
  true,
  0,
  1,
  -1,
  1.5,
  1e300,
  Infinity,
  "",
  "text",
  [],
  [null],
  ["text"],
  [[]],
  [{}],
  {},
  { name: 7 },
  { type: "new", text: "text", name: "lookup" },
  { message: {} },
  { text: "text" },
  { length: 1, 0: {} },
  JSON.parse(`{"__proto__":{"choices":[],"content":[],"candidates":[]}}`),
  remove,
  remove
]

/** The value with up to three changes. */
export const from = (whole: unknown): Arbitrary.Arbitrary<unknown> => {
  const paths = pathsOf(whole)
  const change = Arbitrary.map(
    Arbitrary.all({ path: Law.int(0, paths.length - 1), other: Law.int(0, anything.length - 1) }),
    ({ other, path }) => ({ path: paths[path]!, other: anything[other] })
  )
  return Arbitrary.map(Law.list(change, 3), (changes): unknown => {
    const changed = changes.reduce<unknown>((value, { other, path }) => put(value, path, other), whole)
    return changed === remove ? null : changed
  })
}
