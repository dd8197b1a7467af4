/**
 * The way from one policy to its siblings, for policies that are objects: a
 * member holds its family, not a copy of all that the family can do.
 *
 * @since 0.1.0
 */
import type * as Keyed from "./Keyed.ts"

type Family<A, Options, Snapshot> = Keyed.Family<A, Options, Snapshot>

/**
 * A policy in a family.
 *
 * @category models
 * @since 0.1.0
 */
export class FamilyMember<A, Options, Snapshot> implements Family<A, Options, Snapshot> {
  readonly #family: Family<A, Options, Snapshot>

  constructor(family: Family<A, Options, Snapshot>) {
    this.#family = family
  }

  get at(): Family<A, Options, Snapshot>["at"] {
    return this.#family.at
  }
  get configure(): Family<A, Options, Snapshot>["configure"] {
    return this.#family.configure
  }
  get keys(): Family<A, Options, Snapshot>["keys"] {
    return this.#family.keys
  }
  get states(): Family<A, Options, Snapshot>["states"] {
    return this.#family.states
  }
  get stateOf(): Family<A, Options, Snapshot>["stateOf"] {
    return this.#family.stateOf
  }
  get resetKey(): Family<A, Options, Snapshot>["resetKey"] {
    return this.#family.resetKey
  }
  get derive(): Family<A, Options, Snapshot>["derive"] {
    return this.#family.derive
  }
  get adoptUnsafe(): Family<A, Options, Snapshot>["adoptUnsafe"] {
    return this.#family.adoptUnsafe
  }
  get forgetUnsafe(): Family<A, Options, Snapshot>["forgetUnsafe"] {
    return this.#family.forgetUnsafe
  }
}
