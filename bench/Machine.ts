/** Where and when the numbers were taken. */
import { readFileSync } from "node:fs"
import os from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")

const versionOf = (directory: string): string =>
  JSON.parse(readFileSync(join(root, directory, "package.json"), "utf8")).version

export const describe = () => ({
  cpu: os.cpus()[0]?.model ?? "unknown",
  cores: os.availableParallelism(),
  memory: os.totalmem(),
  load: os.loadavg()[0]!,
  os: `${os.type()} ${os.release()} ${os.arch()}`,
  node: process.version,
  v8: process.versions.v8,
  packages: {
    "effect-relay": versionOf("."),
    effect: versionOf("node_modules/effect"),
    cockatiel: versionOf("node_modules/cockatiel"),
    opossum: versionOf("node_modules/opossum")
  },
  date: new Date().toISOString()
})
