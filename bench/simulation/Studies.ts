/** What goes wrong in production, one thing at a time. */
import * as Everything from "./studies/Everything.ts"
import * as NoisyTenant from "./studies/NoisyTenant.ts"
import * as Preferred from "./studies/Preferred.ts"
import * as RetryStorm from "./studies/RetryStorm.ts"
import * as Stampede from "./studies/Stampede.ts"
import type * as Study from "./Study.ts"

export const studies = {
  "retry storm": RetryStorm.study,
  "recovery stampede": Stampede.study,
  "noisy tenant": NoisyTenant.study,
  "clock steps": Everything.clockSteps,
  "all endpoints down": Everything.allDown,
  "region down": Preferred.regionDown,
  "quota gone": Preferred.quotaGone,
  "silent degradation": Preferred.silentDegradation,
  "failing fast": Preferred.failingFast,
  "errors in HTTP 200": Preferred.hiddenErrors,
  "silence": Preferred.silence
} as const satisfies Readonly<Record<string, Study.Study>>

export type Name = keyof typeof studies

export const names = Object.keys(studies) as ReadonlyArray<Name>

export const all: Readonly<Record<string, Study.Study>> = studies
