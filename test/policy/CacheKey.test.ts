import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Result, type Schema } from "effect"
import { ResponseCache } from "effect-relay"
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

const questions = Arbitrary.all({ tenant: Law.oneOf("acme", "acm", "acme:", ":", "", "e"), request: json })

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

const sharesWhatIsEqual = (keyOf: KeyOf) => ({ one, other }: Case): void => {
  const isEqual = one.tenant === other.tenant && sameRequest(one.request, other.request)
  assert.strictEqual(keyOf(one) === keyOf(other), isEqual)
  assert.strictEqual(keyOf({ ...one, request: shuffled(one.request) }), keyOf(one))
}

const cases = Arbitrary.all({ one: questions, other: questions })

describe("a cache key", () => {
  it.prop("is shared by equal requests in any order of keys, by no others, and by no two tenants", [cases], ([it]) => {
    sharesWhatIsEqual(keyOf)(it)
  }, Law.check(2000))

  it("shows the tenant, and nothing of the request", () => {
    assert.match(keyOf({ tenant: "acme", request: { secret: "sesame" } }), /^acme:[0-9a-f]{64}$/)
  })

  const broken: ReadonlyArray<readonly [string, KeyOf]> = [
    ["leaves out the tenant", ({ request }) => keyOf({ tenant: "", request })],
    ["runs tenant and request together", ({ request, tenant }) => `${tenant}${JSON.stringify(request)}`.slice(0, 4)],
    ["depends on the order of keys", ({ request, tenant }) => `${tenant}:${JSON.stringify(request)}`],
    [
      "does not tell texts from numbers",
      ({ request, tenant }) => keyOf({ tenant, request: JSON.parse(JSON.stringify(request).replace(/"1"/g, "1")) })
    ],
    ["is too short", (question) => keyOf(question).slice(0, question.tenant.length + 2)]
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
