import * as Relay from "effect-relay"

console.log(Object.keys(Relay).join(", "))
