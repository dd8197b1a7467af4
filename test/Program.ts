/** Runs a TypeScript file in a process of its own, as a reader of the documentation would. */
import { execFile } from "node:child_process"
import { root } from "./architecture/Source.ts"

export interface Outcome {
  /** `null` when a signal ended the program, as it does after the timeout. */
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

// What the test runner sets for itself would show up in the program's output.
const { FORCE_COLOR: _force, NO_COLOR: _no, NODE_OPTIONS: _options, ...env } = process.env

/** Runs `node` itself; the process is killed after 20 seconds. */
export const node = (args: ReadonlyArray<string>, cwd = root): Promise<Outcome> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...args],
      { cwd, env, timeout: 20_000, killSignal: "SIGKILL", maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => resolve({ exitCode: error === null ? 0 : child.exitCode, stdout, stderr })
    )
    child.stdin?.end()
  })

/** Runs a file that imports `effect-relay`, which then comes from `src/`. */
export const run = (file: string): Promise<Outcome> => node(["--conditions=effect-relay-source", file])
