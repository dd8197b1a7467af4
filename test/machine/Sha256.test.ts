import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { createHash } from "node:crypto"
import * as Sha256 from "../../src/machine/Sha256.ts"
import * as Law from "../Law.ts"

const byNode = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex")

describe("Sha256", () => {
  // FIPS 180-2, appendix B, and NIST's examples of it
  it.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ],
    [
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ],
    ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"]
  ])("has the digests of the standard", (text, digest) => {
    assert.strictEqual(Sha256.hex(text), digest)
  })

  it("has those of the platform at every length around the end of a block, one after the other", () => {
    for (let length = 0; length <= 200; length++) {
      for (const letter of ["x", "é", "€", "\u{1d11e}"]) {
        const text = letter.repeat(length)
        assert.strictEqual(Sha256.hex(text), byNode(text), `${length} of ${letter}`)
      }
    }
  })

  it("has those of the platform for texts that fit into its buffer, and for those that do not", () => {
    for (const length of [21_802, 21_803, 21_804, 70_000, 700_000]) {
      const text = "€".repeat(length)
      assert.strictEqual(Sha256.hex(text), byNode(text), String(length))
    }
  })

  it.prop("has those of the platform for any text", [Arbitrary.schema(Schema.String)], ([text]) => {
    assert.strictEqual(Sha256.hex(text), byNode(text))
  }, Law.check(300))
})
