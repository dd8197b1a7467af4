/**
 * Stryker's runner for vitest, with a worker that outlives a mutant: to load Effect, the library and the tests takes several
 * times as long as most mutants take to die.
 *
 * What one mutant leaves behind must not kill the next. A kill counts if the same tests pass right after it
 * with no mutant; otherwise a new worker has the last word. A mutant in code that runs when a module is loaded always has a
 * worker of its own.
 */
import { strykerPlugins as plugins } from "@stryker-mutator/vitest-runner"
import { readFileSync, writeFileSync } from "node:fs"
import { relative, resolve } from "node:path"
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

interface Duration {
  readonly id: string
  readonly timeSpentMs: number
}

interface DryRun {
  readonly tests?: ReadonlyArray<Duration>
}

interface TestRunner {
  readonly ctx: Vitest
  readonly init: () => Promise<void>
  readonly dryRun: (options: unknown) => Promise<DryRun>
  readonly mutantRun: (options: MutantRun) => Promise<Verdict>
  readonly capabilities: () => unknown
  readonly dispose: () => Promise<void>
}

// each start adds a listener inside the worker, and whatever the tests keep stays there
const longestLife = 100

// the first pass over the tests is one process's, and what it found out is everybody's; they share a directory
const durationsFile = "durations.json"

/** A thread that is kept when vitest asks to stop it, for the next that asks for one. */
class Threads {
  isWarm = false
  lives = 0
  /** Resolves when vitest has let go of the thread: it does not wait for that itself. */
  released: Promise<void> = Promise.resolve()
  #kept: ThreadsPoolWorker | undefined
  #active: ThreadsPoolWorker | undefined
  readonly #dropped = new WeakSet<ThreadsPoolWorker>()

  readonly name = "warm"

  createPoolWorker = (options: PoolOptions): PoolWorker => {
    const isNew = this.#kept === undefined
    const thread = this.#kept ?? new ThreadsPoolWorker(options)
    this.#kept = undefined
    this.#active = thread
    let release = () => {}
    this.released = new Promise((resolve) => {
      release = resolve
    })
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
        if (message.type !== "stop" || !this.isWarm) return thread.send(message)
        for (const [event, callback] of listeners) {
          if (event === "message") callback({ type: "stopped", __vitest_worker_response__: true })
        }
      },
      stop: async () => {
        if (this.isWarm && this.#active === thread) {
          for (const [event, callback] of listeners) thread.off(event, callback)
          this.#kept = thread
        } else if (!this.#dropped.has(thread)) {
          await thread.stop()
        }
        release()
      }
    }
  }

  get isFresh(): boolean {
    return this.#kept === undefined
  }

  /** The next worker is a new one. */
  async drop(): Promise<void> {
    const thread = this.#kept ?? this.#active
    this.#kept = undefined
    this.#active = undefined
    this.lives = 0
    if (thread === undefined) return
    this.#dropped.add(thread)
    // it may have ended by itself
    await thread.stop().catch(() => {})
  }
}

const fileOf = (test: string): string => test.slice(0, test.indexOf("#"))

const keepWarm = (runner: TestRunner) => {
  const threads = new Threads()
  // the test files that killed mutants of a source, the latest first
  const killers = new Map<string, ReadonlyArray<string>>()
  let source = ""
  let durations: ReadonlyArray<Duration> | undefined

  const renew = async (): Promise<void> => {
    await threads.drop()
    for (const { config } of runner.ctx.projects) Object.assign(config, { isolate: false })
    threads.isWarm = true
  }

  /** Likely killers first: the first test that fails ends the run. */
  const inOrder = (files: ReadonlyArray<string>): ReadonlyArray<string> => {
    const order = [...killers.get(source) ?? [], ...Reach.testsOf(source)]
    return files.toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
  }

  /** Milliseconds that these tests took when nothing was changed: the longest, and all of them. */
  const timeOf = (tests: ReadonlyArray<string>): { readonly longest: number; readonly sum: number } => {
    durations ??= JSON.parse(readFileSync(durationsFile, "utf8")) as ReadonlyArray<Duration>
    const times = durations
      .filter(({ id }) => tests.some((test) => test === id || test === `${fileOf(id)}#`))
      .map(({ timeSpentMs }) => timeSpentMs)
    return { longest: Math.max(0, ...times), sum: times.reduce((a, b) => a + b, 0) }
  }

  // a mutant can make a test wait for ever, which vitest ends, or go round for ever, which only the end of its thread ends
  const ask = async (options: MutantRun, laws: "few" | "all"): Promise<Verdict> => {
    const { longest, sum } = timeOf(options.testFilter ?? [])
    // what was measured is a pass over all cases
    const patience = laws === "few" ? 1 : 6
    runner.ctx.provide("laws", laws)
    for (const { config } of runner.ctx.projects) config.testTimeout = 5000 + patience * longest
    let timer: NodeJS.Timeout | undefined
    const expired = new Promise<"expired">((resolve) => {
      timer = setTimeout(resolve, 10_000 + patience * sum, "expired")
    })
    const running = runner.mutantRun(options)
    const verdict = await Promise.race([running, expired])
    clearTimeout(timer)
    if (verdict === "expired") {
      await threads.drop()
      await running.catch(() => {})
      return { status: "timeout" }
    }
    await threads.released
    if (verdict.status === "error" || verdict.status === "timeout") await threads.drop()
    return verdict
  }

  // a tenth of the cases is enough for most mutants; one that lives meets them all
  const run = async (options: MutantRun): Promise<Verdict> => {
    const first = await ask(options, "few")
    const verdict = first.status === "survived" ? await ask(options, "all") : first
    const [killer] = [verdict.killedBy ?? []].flat()
    if (killer !== undefined) killers.set(source, Array.from(new Set([fileOf(killer), ...killers.get(source) ?? []])))
    return verdict
  }

  // in a worker that loads its modules with the mutant switched on
  const runStatic = async (options: MutantRun): Promise<Verdict> => {
    await renew()
    const verdict = await run({ ...options, testFilter: Reach.testsOf(source).map((file) => `${file}#`) })
    await threads.drop()
    return verdict
  }

  const runLoaded = async (options: MutantRun): Promise<Verdict> => {
    if (threads.isFresh || threads.lives >= longestLife) await renew()
    const { isFresh } = threads
    const verdict = await run(options)
    if (verdict.status === "error" && !isFresh) return runLoaded(options)
    if (verdict.status !== "killed") return verdict
    const control = await ask({
      ...options,
      testFilter: [verdict.killedBy ?? []].flat(),
      activeMutant: { ...options.activeMutant, id: "none" }
    }, "few")
    if (control.status === "survived" || isFresh) return verdict
    await renew()
    return runLoaded(options)
  }

  return {
    capabilities: () => runner.capabilities(),
    init: async () => {
      await runner.init()
      const { ctx } = runner
      const [project] = ctx.projects
      Object.assign(project!.config, { pool: threads.name, poolRunner: threads })
      const start = ctx.start.bind(ctx)
      // to look for the files anew takes longer than most runs
      ctx.start = (files) =>
        files === undefined ? start() : ctx.runTestSpecifications(
          inOrder(Array.from(new Set(files))).map((file) => project!.createSpecification(resolve(file)))
        )
    },
    dryRun: async (options: unknown): Promise<DryRun> => {
      const found = await runner.dryRun(options)
      writeFileSync(durationsFile, JSON.stringify(found.tests ?? []))
      return found
    },
    mutantRun: (options: MutantRun): Promise<Verdict> => {
      source = relative(Source.root, options.activeMutant.fileName).replaceAll("\\", "/")
      return options.mutantActivation === "static" ? runStatic(options) : runLoaded(options)
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
