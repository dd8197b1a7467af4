/** The clients that are compared, by name. */
import type * as Client from "./Client.ts"
import * as Article from "./clients/Article.ts"
import * as Naive from "./clients/Naive.ts"
import * as Oracle from "./clients/Oracle.ts"
import * as Plan from "./clients/Plan.ts"
import * as Relay from "./clients/Relay.ts"
import * as Retry from "./clients/Retry.ts"

export const clients = {
  naive: Naive.make(Naive.sdk),
  retry: Retry.make,
  plan: Plan.make,
  article: Article.make,
  relay: Relay.make(),
  oracle: Oracle.make
} as const satisfies Readonly<Record<string, Client.Make>>

export type Name = keyof typeof clients

export const names = Object.keys(clients) as ReadonlyArray<Name>
