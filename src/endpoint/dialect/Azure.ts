/**
 * Azure OpenAI: OpenAI's bodies, an address for each deployment.
 *
 * @since 0.1.0
 */
import type { Dialect } from "./Definition.ts"
import { openai } from "./OpenAi.ts"

/**
 * Azure OpenAI. Base URL: `https://my-resource.openai.azure.com`. What an
 * endpoint calls a model is the name of its deployment; each has limits of its own.
 *
 * @category dialects
 * @since 0.1.0
 */
export const azure = (options?: {
  /** Default: `2024-10-21`. */
  readonly apiVersion?: string | undefined
}): Dialect => {
  const query = `?api-version=${encodeURIComponent(options?.apiVersion ?? "2024-10-21")}`
  return {
    ...openai,
    name: "azure",
    chatPath: `/openai/deployments/{model}/chat/completions${query}`,
    otherPaths: { ofModel: `/openai/deployments/{model}{path}${query}`, others: `/openai{path}${query}` },
    healthPath: `/openai/models${query}`,
    key: { header: "api-key" },
    limitScope
  }
}

const limitScope = () => "Model" as const
