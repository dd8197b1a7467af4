/** Asks the compiler about a slip that no test noticed: what cannot be built needs no test. */
import { execFile } from "node:child_process"
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)

/** Checks changes to a copy of `src/`, one after the other. */
export const make = (root: string) => {
  const copy = join(root, "reports/mutation/types")
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy, { recursive: true })
  cpSync(join(root, "src"), join(copy, "src"), { recursive: true })
  writeFileSync(
    join(copy, "tsconfig.json"),
    JSON.stringify({
      extends: "../../../tsconfig.build.json",
      // a local that lies idle is untidy, not wrong
      compilerOptions: { noEmit: true, rootDir: "src", noUnusedLocals: false, noUnusedParameters: false },
      include: ["src"]
    })
  )
  const tsc = join(root, "node_modules/typescript/bin/tsc")
  const builds = (): Promise<boolean> => run(process.execPath, [tsc, "-p", copy]).then(() => true, () => false)
  return {
    builds,
    /** Whether `src/` cannot be built when `file` has that text. */
    refuses: async (file: string, original: string, text: string): Promise<boolean> => {
      writeFileSync(join(copy, file), text)
      const isRefused = !await builds()
      writeFileSync(join(copy, file), original)
      return isRefused
    }
  }
}
