import { BaseSequencer, type TestSpecification } from "vitest/node"
import config from "../../vitest.config.ts"

/** Keeps the order that the runner of the mutants has given the files. */
class AsGiven extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    return files
  }
}

// The tests of the machines and policies alone. Each file keeps a worker of its own: where files share one, Stryker
// does not see what a test covers.
export default {
  ...config,
  test: {
    ...config.test,
    include: ["test/machine/**/*.test.ts", "test/policy/**/*.test.ts"],
    isolate: true,
    cache: false as const,
    // the default one asks to be told of a start, and runs of single mutants have none
    reporters: [{}],
    // what counts the visits to each mutant takes its time
    testTimeout: 600_000,
    // what a test covers is what it covers with all its cases
    provide: { laws: "all" as const },
    setupFiles: ["test/mutation/laws.ts"],
    sequence: { sequencer: AsGiven }
  }
}
