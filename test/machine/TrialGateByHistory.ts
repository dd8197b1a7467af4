/** The gate, slow and obvious: it works out everything anew from all that ever happened. */

/** A call that passed; whether it has ended. */
export interface Call {
  readonly sentAt: number
  readonly onTrial: boolean
  hasLeft: boolean
}

type Happened =
  | { readonly what: "passed"; readonly call: Call }
  | { readonly what: "refused"; readonly at: number; readonly until: number }
  | { readonly what: "opened"; readonly by: number }

export class TrialGateByHistory {
  readonly #lease: number
  readonly #history: Array<Happened> = []

  constructor(lease: number) {
    this.#lease = lease
  }

  get #sinceOpening(): ReadonlyArray<Happened> {
    return this.#history.slice(this.#history.findLastIndex(({ what }) => what === "opened") + 1)
  }

  get #refusals() {
    return this.#sinceOpening.filter((happened) => happened.what === "refused")
  }

  get #trial(): Call | undefined {
    const trials = this.#sinceOpening.flatMap((happened) =>
      happened.what === "passed" && happened.call.onTrial ? [happened.call] : []
    )
    const last = trials.at(-1)
    return last === undefined || last.hasLeft ? undefined : last
  }

  get isOpen(): boolean {
    return this.#refusals.length === 0
  }

  get until(): number {
    return Math.max(...this.#refusals.map(({ until }) => until))
  }

  mayPass(now: number): boolean {
    if (this.isOpen) return true
    const trial = this.#trial
    return now >= this.until && (trial === undefined || now >= trial.sentAt + this.#lease)
  }

  pass(now: number): Call {
    const call = { sentAt: now, onTrial: !this.isOpen, hasLeft: false }
    this.#history.push({ what: "passed", call })
    return call
  }

  answered(call: Call): void {
    const last = this.#refusals.at(-1)
    if (last !== undefined && (this.#trial === call || call.sentAt > last.at)) this.open(call.sentAt)
  }

  /** Whether it says anything. */
  refused(call: Call, until: number, now: number): boolean {
    const openings = this.#history.filter((happened) => happened.what === "opened")
    const counts = openings.every(({ by }) => call.sentAt >= by)
    if (counts) this.#history.push({ what: "refused", at: now, until })
    return counts
  }

  open(by: number): void {
    this.#history.push({ what: "opened", by })
  }
}
