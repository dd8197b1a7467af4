/**
 * Stryker's runner for vitest, with a worker that outlives a mutant: to load Effect, the library and the tests takes several
 * times as long as most mutants take to die.
 *
 * What one mutant leaves behind must neither kill nor save the next. A kill counts if the same tests pass right after it
 * with no mutant; otherwise, and when no test noticed anything, a new worker has the last word. A mutant in code that runs
 * when a module is loaded always has a worker of its own.
 */
import { strykerPlugins as plugins } from "@stryker-mutator/vitest-runner"
import { relative } from "node:path"
import { type PoolOptions, type PoolWorker, ThreadsPoolWorker, type Vitest, type WorkerRequest } from "vitest/node"
import * as Source from "../architecture/Source.ts"
import * as Reach from "./Reach.ts"

interface MutantRun {
  readonly mutantActivation: "static" | "runtime"
  readonly activeMutant: { readonly id: string; readonly fileName: string }
  readonly testFilter?: ReadonlyArray<string>
}

interface Verdict {
  readonly status: string
  readonly killedBy?: ReadonlyArray<string> | string
  readonly [property: string]: unknown
}

interface TestRunner {
  readonly ctx: Vitest
  readonly init: () => Promise<void>
  readonly dryRun: (options: unknown) => Promise<unknown>
  readonly mutantRun: (options: MutantRun) => Promise<Verdict>
  readonly capabilities: () => unknown
  readonly dispose: () => Promise<void>
}

// each start adds a listener inside the worker, and whatever the tests keep stays there
const longestLife = 100

/** A thread that is kept when vitest asks to stop it, for the next that asks for one. */
class Threads {
  isWarm = false
  lives = 0
  kept: ThreadsPoolWorker | undefined

  readonly name = "warm"

  createPoolWorker = (options: PoolOptions): PoolWorker => {
    const isNew = this.kept === undefined
    const thread = this.kept ?? new ThreadsPoolWorker(options)
    this.kept = undefined
    const listeners = new Set<readonly [string, (...args: Array<unknown>) => void]>()
    return {
      name: this.name,
      on: (event, callback) => {
        listeners.add([event, callback])
        thread.on(event, callback)
      },
      off: (event, callback) => thread.off(event, callback),
      deserialize: (data) => data,
      start: async () => {
        this.lives++
        if (isNew) await thread.start()
      },
      send: (message: WorkerRequest) => {
        if (message.type !== "stop" || !this.keeps()) return thread.send(message)
        for (const [event, callback] of listeners) {
          if (event === "message") callback({ type: "stopped", __vitest_worker_response__: true })
        }
      },
      stop: async () => {
        if (!this.keeps()) return thread.stop()
        for (const [event, callback] of listeners) thread.off(event, callback)
        this.kept = thread
      }
    }
  }

  keeps(): boolean {
    return this.isWarm && this.lives < longestLife
  }

  /** The next worker is a new one. */
  async drop(): Promise<void> {
    const thread = this.kept
    this.kept = undefined
    this.lives = 0
    await thread?.stop()
  }
}

const keepWarm = (runner: TestRunner) => {
  const threads = new Threads()

  const renew = async (): Promise<void> => {
    await threads.drop()
    for (const { config } of runner.ctx.projects) Object.assign(config, { isolate: false })
    threads.isWarm = true
  }

  // the files that name the module first, in a worker that loads its modules with the mutant switched on
  const runStatic = async (options: MutantRun): Promise<Verdict> => {
    await renew()
    let verdict: Verdict | undefined
    for (const files of Reach.testsOf(relative(Source.root, options.activeMutant.fileName).replaceAll("\\", "/"))) {
      if (files.length === 0) continue
      verdict = await runner.mutantRun({ ...options, testFilter: files.map((file) => `${file}#`) })
      if (verdict.status !== "survived") break
    }
    await threads.drop()
    return verdict ?? { status: "survived", nrOfTests: 0 }
  }

  const runLoaded = async (options: MutantRun): Promise<Verdict> => {
    if (threads.lives >= longestLife) await renew()
    const verdict = await runner.mutantRun(options)
    if (verdict.status === "killed") {
      const control = await runner.mutantRun({
        ...options,
        testFilter: [verdict.killedBy ?? []].flat(),
        activeMutant: { ...options.activeMutant, id: "none" }
      })
      if (control.status === "survived") return verdict
    }
    if (threads.lives <= 2) return verdict
    await renew()
    return runLoaded(options)
  }

  return {
    capabilities: () => runner.capabilities(),
    init: async () => {
      await runner.init()
      for (const { config } of runner.ctx.projects) Object.assign(config, { pool: threads.name, poolRunner: threads })
    },
    dryRun: (options: unknown) => runner.dryRun(options),
    mutantRun: async (options: MutantRun): Promise<Verdict> => {
      if (options.mutantActivation === "static") return runStatic(options)
      if (!threads.isWarm || threads.kept === undefined) await renew()
      return runLoaded(options)
    },
    dispose: async () => {
      await threads.drop()
      await runner.dispose()
    }
  }
}

const { factory, kind } = plugins[0]!
const create: (injector: never) => TestRunner = factory as never
const { inject } = factory as { readonly inject?: unknown }

export const strykerPlugins = [
  { kind, name: "warm", factory: Object.assign((injector: never) => keepWarm(create(injector)), { inject }) }
]
