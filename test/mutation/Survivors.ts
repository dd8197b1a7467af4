/** The mutants that no test tells from the code, and why each may live: here it is no gap, but the same behaviour. */
import type { Survivor } from "./Report.ts"

const evidence = {
  file: "src/machine/Evidence.ts",
  line: "return self.weight === 0 || silence <= 0 ? self.weight : self.weight * 2 ** (-2 * silence / rule.forgetAfter)"
}

const issue = {
  file: "src/policy/Configuration.ts",
  why: "what cannot be decoded has an issue with a message; this is for the day when one has none"
}

export const survivors: ReadonlyArray<Survivor> = [
  {
    ...evidence,
    was: "self.weight === 0",
    becomes: "false",
    why: "nothing stays nothing however often it is halved; the question only spares the power"
  },
  {
    ...evidence,
    was: "silence <= 0",
    becomes: "silence < 0",
    why: "at the edge nothing has faded yet: two to the power of zero is one"
  },
  {
    file: "src/machine/Latency.ts",
    line: "self.average = millis > faded ? millis : self.average * weight + millis * (1 - weight)",
    was: "millis > faded",
    becomes: "millis >= faded",
    why: "they part only at an answer as long as the faded average to the last bit, of which nothing is promised"
  },
  {
    file: "src/machine/Latency.ts",
    line: "self.average === 0 ? 0 : self.average * Math.exp(-Math.max(0, now - self.at) / rule.decay)",
    was: "self.average === 0",
    becomes: "false",
    why: "nothing stays nothing however it fades; the question only spares the exponential"
  },
  {
    file: "src/policy/CanonicalJson.ts",
    line: "return \"\"",
    was: "\"\"",
    becomes: "\"Stryker was here!\"",
    why: "once there is a refusal the text is thrown away"
  },
  {
    file: "src/policy/CanonicalJson.ts",
    line: "if (refusal !== undefined) return \"\"",
    was: "\"\"",
    becomes: "\"Stryker was here!\"",
    why: "once there is a refusal the text is thrown away"
  },
  {
    file: "src/policy/Configuration.ts",
    line:
      "if (typeof value === \"string\") return JSON.stringify(value.replace(/\\/ … /…@\").replace(/\\?.*$/s, \"?…\"))",
    was: "/\\?.*$/s",
    becomes: "/\\?.*/s",
    why: "what takes all it can get reaches the end by itself"
  },
  {
    ...issue,
    line: "const path = (issue?.path ?? []).map((step) => typeof step === \"object\" ? step.key : step)",
    was: "issue?.path",
    becomes: "issue.path"
  },
  {
    ...issue,
    line: "const path = (issue?.path ?? []).map((step) => typeof step === \"object\" ? step.key : step)",
    was: "[]",
    becomes: "[\"Stryker was here\"]"
  },
  { ...issue, line: "const rule = ruleOf(issue?.message)", was: "issue?.message", becomes: "issue.message" },
  { ...issue, line: "case undefined:", was: "case undefined: return \"it is refused\"", becomes: "case undefined:" },
  { ...issue, line: "return \"it is refused\"", was: "\"it is refused\"", becomes: "\"\"" },
  {
    file: "src/policy/Configuration.ts",
    line: "secrets: ReadonlyArray<string> = []",
    was: "[]",
    becomes: "[\"Stryker was here\"]",
    why: "in `decode`: a secret option of that name changes nothing where there is none"
  },
  {
    file: "src/policy/Configuration.ts",
    line: "secrets: ReadonlyArray<string> = []",
    was: "[]",
    becomes: "[\"Stryker was here\"]",
    why: "in `decodeResult`: the same"
  },
  {
    file: "src/policy/Configuration.ts",
    line: "if (Array.isArray(input)) return input.length === 2 && input.every(Number.isFinite)",
    was: "input.length === 2",
    becomes: "true",
    why: "`Duration` refuses lists of any other length as well"
  },
  {
    file: "src/policy/Verdict.ts",
    line: "} catch {",
    was: "{ return undefined }",
    becomes: "{}",
    why: "a function that ends without a value returns undefined"
  }
]
