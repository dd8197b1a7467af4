/**
 * The failure that a reply is, made of what was read.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Attempt from "../policy/Attempt.ts"
import { RateLimited } from "../policy/RateLimiter.ts"
import * as Rejection from "../policy/Rejection.ts"
import * as Verdict from "../policy/Verdict.ts"
import type { Dialect, LimitScope } from "./dialect/Definition.ts"
import { openai } from "./dialect/OpenAi.ts"
import * as Failure from "./Failure.ts"
import type * as Meaning from "./Meaning.ts"
import type { Reply, Subject } from "./Outcome.ts"
import * as Quotation from "./Quotation.ts"
import * as Wait from "./Wait.ts"
import type * as WireError from "./WireError.ts"

const tagOf = {
  Rate: "RateLimited",
  Quota: "QuotaExceeded",
  Unavailable: "EndpointUnavailable",
  Unauthorized: "Unauthorized",
  Model: "ModelNotFound",
  Context: "ContextTooLong",
  Content: "ContentRefused",
  Rejected: "RequestRejected"
} as const satisfies Record<Meaning.Meaning, Failure.Answered["_tag"]>

/** Where the service itself says whether a retry helps, and that is not what such a failure means anyway. */
const retryOf = (
  { headers }: Pick<Reply, "headers">,
  tag: keyof typeof Verdict.byTag
): { readonly retry?: Verdict.Retry } => {
  const { again } = Verdict.byTag[tag]
  const said = headers["x-should-retry"]?.trim().toLowerCase()
  if (said === "false" && again) return { retry: "Elsewhere" }
  return said === "true" && !again ? { retry: "Anywhere" } : {}
}

const scopes: ReadonlySet<unknown> = new Set<LimitScope>(["Account", "Endpoint", "Model"])

const scopeOf = (
  dialect: Dialect,
  error: WireError.WireError | undefined,
  { headers }: Reply
): { readonly scope?: LimitScope } => {
  // whoever stands before the API counts all that comes from here
  if (error?.isPage === true && error.words.length > 0) return { scope: "Endpoint" }
  const scope = safely(() => dialect.limitScope?.(error, headers), () => undefined)
  return scope !== undefined && scopes.has(scope) ? { scope } : {}
}

/**
 * What a function of a dialect says, which may be anybody's and throw.
 *
 * @category combinators
 * @since 0.1.0
 */
export const safely = <A>(ask: () => A, otherwise: () => A): A => {
  try {
    return ask()
  } catch {
    return otherwise()
  }
}

/**
 * The failure that has this meaning.
 *
 * @category constructors
 * @since 0.1.0
 */
export const of = (
  meaning: Meaning.Meaning,
  subject: Subject,
  reply: Reply,
  status: number,
  error: WireError.WireError | undefined
): Failure.Answered => {
  const { account, dialect = openai, endpoint, model, now, secrets } = subject
  const hint = Wait.of(reply.headers, error, meaning, now)
  const retryAfter = hint === undefined ? {} : { retryAfter: Duration.millis(Math.ceil(hint)) }
  const text = Quotation.quote(error?.message || reply.text, secrets)
  const said = {
    status,
    ...(text === "" ? {} : { detail: text }),
    ...retryOf(reply, tagOf[meaning]),
    attempts: Attempt.none
  }
  const common = { endpoint, ...said }
  switch (meaning) {
    case "Rate":
      return Rejection.make(RateLimited, {
        key: endpoint,
        source: "Upstream" as const,
        ...scopeOf(dialect, error, reply),
        ...retryAfter,
        ...said
      })
    case "Quota":
      return Rejection.make(Failure.QuotaExceeded, { ...common, account, ...retryAfter })
    case "Unavailable":
      return Rejection.make(Failure.EndpointUnavailable, { ...common, reason: "Status" as const, ...retryAfter })
    case "Unauthorized":
      return Rejection.make(Failure.Unauthorized, common)
    case "Model":
      return Rejection.make(Failure.ModelNotFound, { ...common, model })
    case "Context":
      return Rejection.make(Failure.ContextTooLong, { ...common, model })
    case "Content":
      return Rejection.make(Failure.ContentRefused, common)
    case "Rejected":
      return Rejection.make(Failure.RequestRejected, common)
  }
}

/**
 * The failure of a reply that is no answer, and no error either.
 *
 * @category constructors
 * @since 0.1.0
 */
export const invalid = (
  subject: Subject,
  reply: Pick<Reply, "status" | "headers">,
  reason: Failure.InvalidResponse["reason"],
  message: string
): Failure.InvalidResponse => {
  const detail = Quotation.quote(message, subject.secrets)
  return Rejection.make(Failure.InvalidResponse, {
    endpoint: subject.endpoint,
    reason,
    status: reply.status,
    ...(detail === "" ? {} : { detail }),
    ...retryOf(reply, "InvalidResponse"),
    attempts: Attempt.none
  })
}
