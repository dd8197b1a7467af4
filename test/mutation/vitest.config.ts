import { readFileSync } from "node:fs"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import config from "../../vitest.config.ts"

const hasLaws = (file: TestSpecification): number => Number(readFileSync(file.moduleId, "utf8").includes("/Law.ts\""))

/**
 * The long laws last: the first test that fails ends a mutant. It matters to mutants of code that runs when a module is
 * loaded, for which every test is run; most of them are texts, tables and schemas, and the short tests see them.
 */
class LawsLast extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    return files.toSorted((a, b) => hasLaws(a) - hasLaws(b))
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
    testTimeout: 45_000,
    env: { LAWS: "unshrunk" },
    sequence: { sequencer: LawsLast }
  }
}
