import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Result, type Schema } from "effect"
import { ResponseCache } from "effect-relay"
import * as Sha256 from "../../src/machine/Sha256.ts"
import * as Law from "../Law.ts"

type KeyOf = (question: ResponseCache.Question) => string

const keyOf: KeyOf = (question) => Result.getOrThrow(ResponseCache.keyOf(question))

// from a small world, so that many are equal, and many alike
const json: Arbitrary.Arbitrary<Schema.Json> = Arbitrary.map(
  Law.list(
    Arbitrary.all([
      Law.oneOf("a", "b", "ab"),
      Law.oneOf<Schema.Json & (string | number | boolean)>("", "1", 1, true)
    ]),
    2
  ),
  (members) => Object.fromEntries([...members, ["list", members.map(([, value]) => value)]])
)

const questions = Arbitrary.all({ tenant: Law.oneOf("acme", "Acme", "acme:", ":", "\ud800", "\ufffd"), request: json })

const shuffled = (value: Schema.Json): Schema.Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toReversed().map(([key, member]) => [key, shuffled(member)]))
    : value

const sameRequest = (a: Schema.Json, b: Schema.Json): boolean => {
  try {
    assert.deepStrictEqual(a, b)
    return true
  } catch {
    return false
  }
}

interface Case {
  readonly one: { readonly tenant: string; readonly request: Schema.Json }
  readonly other: { readonly tenant: string; readonly request: Schema.Json }
}

/** A store that folds names: one case, and no half of a surrogate pair. */
const folded = (key: string): string => new TextDecoder().decode(new TextEncoder().encode(key.toLowerCase()))

const sharesWhatIsEqual = (keyOf: KeyOf) => ({ one, other }: Case): void => {
  const isEqual = one.tenant === other.tenant && sameRequest(one.request, other.request)
  assert.strictEqual(folded(keyOf(one)) === folded(keyOf(other)), isEqual)
  assert.strictEqual(keyOf({ ...one, request: shuffled(one.request) }), keyOf(one))
}

const cases = Arbitrary.all({ one: questions, other: questions })

describe("a cache key", () => {
  it.prop("is shared by equal requests in any order of keys, by no others, and by no two tenants", [cases], ([it]) => {
    sharesWhatIsEqual(keyOf)(it)
  }, Law.check(2000))

  it("has one form and one length, and shows nothing of tenant and request", () => {
    for (const tenant of ["acme", "x".repeat(300), "\ud800", "../a:b\n"]) {
      assert.match(keyOf({ tenant, request: { secret: "sesame" } }), /^[0-9a-f]{64}$/)
    }
  })

  it.each([undefined, null, "", 5, {}])("is of nobody if the tenant is %j, and refused", (tenant) => {
    const { message, path } = Result.getOrThrow(
      Result.flip(ResponseCache.keyOf({ tenant: tenant as string, request: 1 }))
    )
    assert.strictEqual(path, "tenant")
    assert.strictEqual(message, "no cache key for this request: at tenant, it has to be a text that is not empty")
  })

  const broken: ReadonlyArray<readonly [string, KeyOf]> = [
    ["leaves out the tenant", ({ request }) => keyOf({ tenant: "any", request })],
    ["runs tenant and request together", ({ request, tenant }) => `${tenant}${JSON.stringify(request)}`.slice(0, 4)],
    ["depends on the order of keys", ({ request, tenant }) => `${tenant}:${JSON.stringify(request)}`],
    [
      "does not tell texts from numbers",
      ({ request, tenant }) => keyOf({ tenant, request: JSON.parse(JSON.stringify(request).replace(/"1"/g, "1")) })
    ],
    ["is too short", (question) => keyOf(question).slice(0, 1)],
    ["has the tenant in the clear", ({ request, tenant }) => `${tenant}:${keyOf({ tenant: "any", request })}`],
    [
      "hashes the tenant as it is",
      ({ request, tenant }) => Sha256.hex(`${tenant}:${keyOf({ tenant: "any", request })}`)
    ]
  ]
  it.effect.each(broken)("is told from one that %s", ([, keyOf]) => Law.isBroken(cases, sharesWhatIsEqual(keyOf)))

  it.effect("does for a question that was asked before", () =>
    Effect.gen(function*() {
      const cache = yield* ResponseCache.make()
      const question = { tenant: "acme", request: { city: "Bern" } }
      yield* cache.through(question, Effect.succeed("rain"))
      assert.isTrue((yield* cache.throughKey(keyOf(question) as ResponseCache.CacheKey, Effect.succeed("sun"))).hit)
    }))
})
