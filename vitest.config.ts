import { defineConfig } from "vitest/config"

// Tests import "effect-relay" exactly as users do; this condition of package.json points it at src/ instead of dist/.
const conditions = ["effect-relay-source", "node", "module", "import", "default"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000
  }
})
