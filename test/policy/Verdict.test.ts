import { assert, describe, it } from "@effect/vitest"
import { Duration } from "effect"
import { Verdict } from "effect-relay"

describe("Verdict", () => {
  it("takes a failure that nobody knows for one of the target", () => {
    for (const error of ["down", 42, null, undefined, {}, { _tag: 7 }, { _tag: "Unheard" }, new Error("down")]) {
      assert.deepStrictEqual(Verdict.of(error), { breaker: "Failure", again: true, elsewhere: true })
    }
  })

  it("is not fooled by tags that every object has", () => {
    for (const tag of ["toString", "constructor", "__proto__", "hasOwnProperty"]) {
      assert.deepStrictEqual(Verdict.of({ _tag: tag }), { breaker: "Failure", again: true, elsewhere: true })
    }
  })

  it("reads a tag where an object has one that is a text, and nowhere else", () => {
    const tagged = { _tag: "RateLimited" }
    assert.deepStrictEqual(
      [tagged, Object.create(tagged), Object.assign(() => {}, tagged), { _tag: 7 }, {}, "RateLimited", null].map(
        Verdict.tagOf
      ),
      ["RateLimited", "RateLimited", undefined, undefined, undefined, undefined, undefined]
    )
  })

  it("blames the endpoint for what the endpoint did, and for nothing else", () => {
    const blamed = Object.entries(Verdict.byTag).flatMap(([tag, { breaker }]) => breaker === "Failure" ? [tag] : [])
    assert.sameMembers(blamed, ["EndpointUnavailable", "InvalidResponse", "RelayExhausted", "StreamInterrupted"])
  })

  it("blames nobody but the caller for an argument that cannot work", () => {
    const none = { breaker: "Ignored", again: false, elsewhere: false }
    assert.deepStrictEqual(Verdict.of({ _tag: "InvalidArgument" }), none)
    assert.deepStrictEqual(Verdict.of({ _tag: "InvalidConfiguration" }), none)
    assert.deepStrictEqual(Verdict.of({ _tag: "TimedOut" }), { breaker: "Failure", again: true, elsewhere: true })
  })

  it("sends a request nowhere else when the fault is its own", () => {
    const ends = Object.entries(Verdict.byTag).flatMap(([tag, { elsewhere }]) => elsewhere ? [] : [tag])
    assert.sameMembers(ends, [
      "ContentRefused",
      "RequestRejected",
      "StreamInterrupted",
      "DeadlineExceeded",
      "BudgetExceeded"
    ])
    for (const { again, elsewhere } of Object.values(Verdict.byTag)) assert.isTrue(elsewhere || !again)
  })

  it("believes a failure that says for itself where a retry helps", () => {
    const { again, breaker } = Verdict.byTag.EndpointUnavailable
    const of = (tag: string, retry: unknown) => Verdict.of({ _tag: tag, retry })
    assert.deepStrictEqual(of("EndpointUnavailable", "Elsewhere"), { breaker, again: false, elsewhere: true })
    assert.deepStrictEqual(of("EndpointUnavailable", "Anywhere"), { breaker, again, elsewhere: true })
    assert.deepStrictEqual(of("RequestRejected", "Anywhere"), { breaker: "Ignored", again: true, elsewhere: true })
    assert.deepStrictEqual(of("RequestRejected", "Elsewhere"), { breaker: "Ignored", again: false, elsewhere: true })
  })

  it("believes nobody else, and nothing else", () => {
    const { byTag, of } = Verdict
    for (const retry of [undefined, null, "", "anywhere", true, {}]) {
      assert.deepStrictEqual(of({ _tag: "RequestRejected", retry }), byTag.RequestRejected)
    }
    assert.isTrue(of({ _tag: "Unheard", retry: "Elsewhere" }).again)
    const trap = Object.defineProperty({ _tag: "RequestRejected" }, "retry", { get: () => assert.fail("looked at") })
    assert.deepStrictEqual(of(trap), byTag.RequestRejected)
  })

  it("reads what an object says for itself, and looks into nothing else", () => {
    const retry = "Anywhere"
    const retryAfter = Duration.seconds(3)
    const said = { retry, retryAfter }
    const own = [said, Object.create(said)]
    for (const error of own) assert.deepStrictEqual([Verdict.retryOf(error), Verdict.hintOf(error)], [retry, 3000])
    const none = [null, undefined, 5, "retry", {}, Object.assign(() => {}, said), { retry: 1, retryAfter: 3000 }]
    for (const error of none) {
      assert.deepStrictEqual([Verdict.retryOf(error), Verdict.hintOf(error)], [undefined, undefined])
    }
  })

  it("has nothing to say of what throws when it is looked at", () => {
    const revoked = Proxy.revocable({}, {})
    revoked.revoke()
    assert.deepStrictEqual(
      [Verdict.tagOf(revoked.proxy), Verdict.retryOf(revoked.proxy), Verdict.hintOf(revoked.proxy)],
      [undefined, undefined, undefined]
    )
    assert.deepStrictEqual(Verdict.of(revoked.proxy), { breaker: "Failure", again: true, elsewhere: true })
  })
})
