/** How many tokens texts are taken to have, against what tokenizers count, and tokenizers in the place of what is built in. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { ChatRequest, RelayService, TokenEstimator } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

/** As gpt-tokenizer 3 counts them: by o200k_base, of GPT-4o and later, and by cl100k_base, of GPT-4. */
const texts: ReadonlyArray<readonly [name: string, o200k: number, cl100k: number, text: string]> = [
  [
    "English",
    61,
    61,
    "The relay asks the best of those endpoints that can answer now, goes on to the next at once when one fails, and waits only when nobody can answer. Each policy also works alone, around any effect of yours, and tells in the type of the call every way in which it can still fail."
  ],
  [
    "German",
    64,
    76,
    "Wenn niemand antworten kann, wartet der Aufruf, bis wieder Platz ist, höchstens aber so lange, wie der Aufrufer Zeit hat. Überschüssige Anfragen werden zurückgewiesen, und die Begründung steht in der Fehlermeldung, damit man weiß, wann ein neuer Versuch lohnt."
  ],
  [
    "French",
    54,
    68,
    "Chaque appel est réservé avant d'être envoyé, puis réglé selon ce qu'il a réellement coûté. Ainsi, des appels simultanés ne peuvent jamais dépenser plus que ce qui reste, même lorsqu'ils échouent ou sont interrompus à mi-chemin."
  ],
  [
    "Russian",
    54,
    96,
    "Если никто не может ответить, вызов ждёт, пока не освободится место, но не дольше, чем у вызывающего есть времени. Лишние запросы отклоняются сразу, и в ошибке сказано, когда имеет смысл попробовать снова."
  ],
  [
    "Greek",
    47,
    123,
    "Κάθε κλήση δεσμεύει το ποσό πριν σταλεί και το τακτοποιεί όταν έρθει η απάντηση, ώστε να μην ξοδευτούν ποτέ περισσότερα από όσα υπάρχουν."
  ],
  [
    "Arabic",
    42,
    98,
    "إذا لم يستطع أحد الإجابة، تنتظر المكالمة حتى يتوفر مكان، ولكن ليس أطول مما لدى المتصل من وقت. وتُرفض الطلبات الزائدة فورًا مع ذكر السبب."
  ],
  [
    "Hebrew",
    39,
    97,
    "כל קריאה שומרת את הסכום לפני שהיא נשלחת ומסדירה אותו כשהתשובה מגיעה, כך שלעולם לא יוצא יותר ממה שיש."
  ],
  [
    "Hindi",
    33,
    114,
    "हर कॉल भेजे जाने से पहले राशि अलग रखती है और उत्तर आने पर उसका हिसाब करती है, ताकि जितना है उससे अधिक कभी खर्च न हो।"
  ],
  ["Thai", 40, 100, "ทุกการเรียกจะกันเงินไว้ก่อนส่ง และชำระตามที่ใช้จริงเมื่อได้รับคำตอบ ดังนั้นการเรียกพร้อมกันจะใช้จ่ายเกินกว่าที่มีไม่ได้"],
  [
    "Chinese",
    50,
    73,
    "每次调用在发送之前都会预留费用，收到回答之后再按实际消耗结算，因此同时进行的调用永远不会超出预算。多余的请求会立即被拒绝，并说明何时可以重试。"
  ],
  [
    "Japanese",
    61,
    85,
    "呼び出しは送信される前に費用を確保し、回答を受け取った後に実際の消費に応じて精算します。そのため、同時に行われる呼び出しが予算を超えることはありません。"
  ],
  [
    "Korean",
    48,
    72,
    "모든 호출은 전송되기 전에 비용을 따로 잡아 두고, 답변이 오면 실제 사용량에 따라 정산합니다. 그래서 동시에 이루어지는 호출이 예산을 넘는 일은 없습니다."
  ],
  ["Emoji", 19, 30, "🚀🎉 Done! 👍🏽 ❤️‍🔥 see you 🌍🌙✨"],
  [
    "Code",
    63,
    63,
    "export const shortOf = (self: Allowance, amount: Amount, now: number): Kind | undefined => {\n  renew(self, now)\n  return amount.money > rest(self, \"money\") ? \"money\" : amount.tokens > rest(self, \"tokens\") ? \"tokens\" : undefined\n}\n"
  ]
]

const { builtIn } = TokenEstimator
const tokensOf = (text: string): number => builtIn.tokensOf(text, "any")

describe("the estimate that is built in", () => {
  it.each(texts)("is off by less than half for %s, and by less than a tenth downwards", (_, o200k, __, text) => {
    const share = Math.ceil(tokensOf(text)) / o200k
    assert.isAtLeast(share, 0.9)
    assert.isAtMost(share, 1.45)
  })

  it("is too low for the older vocabulary, outside of Latin script, by up to two thirds", () => {
    const shares = texts.map(([, , cl100k, text]) => tokensOf(text) / cl100k)
    assert.isAtLeast(Math.min(...shares), 0.35)
  })

  it("takes four letters of English for a token, and three digits for a bit more than one", () => {
    assert.deepStrictEqual(["", "x", "word", "x".repeat(400), "12345"].map(tokensOf), [0, 0.25, 1, 100, 2])
  })

  it("looks at a thousand characters of a long text, spread evenly, and takes the rest for alike", () => {
    const mixed = "word 字 ".repeat(20_000)
    const exact = 20_000 * tokensOf("word 字 ")
    assert.isAtMost(Math.abs(tokensOf(mixed) / exact - 1), 0.05)
    let looks = 0
    const text = { length: 1e9, charCodeAt: () => (looks++, 0x78) } as unknown as string
    assert.strictEqual(tokensOf(text), 2.5e8)
    assert.strictEqual(looks, 1024)
  })

  it("adds up the parts of a request before it rounds, and counts only what is text", () => {
    const request = {
      model: "m",
      messages: [
        { role: "system", content: "x" },
        { role: "user", content: [{ type: "text", text: "xx" }, { type: "image_url", image_url: "data:…" }, null] },
        { role: "assistant", content: null }
      ]
    }
    assert.deepStrictEqual(ChatRequest.estimate(request), { input: 1, output: 0 })
  })
})

describe("a tokenizer of one's own", () => {
  const asked: Array<readonly [string, string]> = []
  const words: TokenEstimator.TokenEstimator = {
    tokensOf: (text, model) => {
      asked.push([text, model])
      return text.split(" ").length
    }
  }
  const scripted = ScriptedEndpoint.make("a", [ScriptedEndpoint.answer("Yes.")])
  const over = (estimator: TokenEstimator.TokenEstimator) =>
    Effect.provide(
      RelayService.layerDefault({ endpoints: [scripted.endpoint], health: "off" }).pipe(
        Layer.provide([ScriptedEndpoint.layer(scripted), TokenEstimator.layer(estimator)])
      )
    )

  const request = { model: "m", messages: [{ role: "user", content: "one two three" }], max_tokens: 10 }

  /** What a relay takes a request to need. */
  const needed = Effect.gen(function*() {
    const relay = yield* RelayService.RelayService
    const failure = yield* Effect.flip(relay.chat(request, { budget: { tokens: 1 } }))
    return "needed" in failure ? failure.needed : undefined
  })

  it.effect("counts what a relay that is built under it sets aside, by text and model", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* needed, 13)
      assert.deepStrictEqual(asked, [["one two three", "m"]])
      const relay = yield* RelayService.RelayService
      const sent = relay.send(
        { method: "POST", path: "/embeddings", body: JSON.stringify({ model: "e", input: ["one two", "three"] }) },
        { budget: { tokens: 1 } }
      )
      assert.deepInclude(yield* Effect.flip(sent), { _tag: "BudgetExceeded", needed: 3 })
      assert.deepStrictEqual(asked.slice(1), [["one two", "e"], ["three", "e"]])
    }).pipe(over(words)))

  it.effect.each<readonly [string, () => unknown]>([
    ["throws", () => {
      throw new Error("a word of its own")
    }],
    ["counts less than nothing", () => -1],
    ["counts no number", () => NaN],
    ["counts for ever", () => Infinity],
    ["counts a text", () => "7"]
  ])(
    "is stood in for by what is built in where it %s",
    ([, tokensOf]) => Effect.map(needed.pipe(over({ tokensOf } as never)), (needed) => assert.strictEqual(needed, 14))
  )
})
