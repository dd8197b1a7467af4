import { Effect, Layer } from "effect"
import { RelayService } from "effect-relay"
import { ScriptedEndpoint } from "effect-relay/testing"

const down = ScriptedEndpoint.make("down", [ScriptedEndpoint.status(503)])
const well = ScriptedEndpoint.make("well", [ScriptedEndpoint.answer("It works.")], { tier: 1 })
const Relay = RelayService.layerDefault({ endpoints: [down.endpoint, well.endpoint] })
const request = { model: "any", messages: [{ role: "user", content: "Does it?" }] }
const ask = RelayService.RelayService.use((relay) => relay.chat(request))
const live = Effect.provide(ask, Layer.provide(Relay, ScriptedEndpoint.layer(down, well)))
const { meta, text } = await Effect.runPromise(live)
if (text !== "It works." || meta.endpoint !== "well") throw new Error(`${meta.endpoint} said ${text}`)
console.log(`${text} After ${meta.attempts.map(({ endpoint, outcome }) => `${endpoint}: ${outcome}`).join(", ")}`)
