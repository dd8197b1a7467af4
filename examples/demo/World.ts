/** The three servers and the clock they live by: built anew for each client, the same for all. */
import { Effect, Random, type Scope } from "effect"
import type { HttpServerError } from "effect/http"
import * as Backup from "./Backup.ts"
import * as Primary from "./Primary.ts"
import * as Reserve from "./Reserve.ts"
import * as Timeline from "./Timeline.ts"
import * as Upstream from "./Upstream.ts"

export interface World {
  readonly timeline: Timeline.Timeline
  readonly primary: Upstream.Upstream
  readonly backup: Upstream.Upstream
  readonly reserve: Upstream.Upstream
}

export const make: Effect.Effect<World, HttpServerError.ServeError, Scope.Scope> = Effect.gen(function*() {
  const timeline = yield* Timeline.make
  const primary = yield* Primary.make(timeline).pipe(Random.withSeed("primary"))
  const backup = yield* Backup.make(timeline).pipe(Random.withSeed("backup"))
  const reserve = yield* Reserve.make.pipe(Random.withSeed("reserve"))
  return {
    timeline,
    primary: yield* Upstream.make("primary", primary),
    backup: yield* Upstream.make("backup", backup),
    reserve: yield* Upstream.make("reserve", reserve)
  }
})
