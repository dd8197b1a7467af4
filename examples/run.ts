/** Runs every numbered example in order and stops at the first that fails. */
import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"

const examples = readdirSync(import.meta.dirname).filter((name) => /^\d\d_.*\.ts$/.test(name)).sort()

for (const name of examples) {
  console.log(`\n── examples/${name}`)
  const { status } = spawnSync(process.execPath, ["--conditions=effect-relay-source", name], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "inherit", "inherit"]
  })
  if (status !== 0) {
    console.error(`examples/${name} ended with ${status ?? "a signal"}`)
    process.exit(1)
  }
}
console.log(`\n${examples.length} examples ran`)
