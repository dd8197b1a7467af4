/** The mutants that no test tells from the code, and why each may live: here it is no gap, but the same behaviour. */
import type { Survivor } from "./Report.ts"

const evidence = {
  file: "src/machine/Evidence.ts",
  line: "return self.weight === 0 || silence <= 0 ? self.weight : self.weight * 2 ** (-2 * silence / rule.forgetAfter)"
}

const issue = {
  file: "src/policy/Configuration.ts",
  why: "what cannot be decoded has an issue with a message; this is for the day when one has none"
}

const backlog = { file: "src/machine/Backlog.ts" }

const circuit = { file: "src/machine/Circuit.ts" }

const demotion = {
  file: "src/machine/Demotion.ts",
  line: "const wasDemoted = place.until > -Infinity",
  was: "place.until > -Infinity",
  why: "who is counted as demoted without being so is let go with the next look; the question only spares that"
}

const ring = {
  file: "src/machine/SlidingWindow.ts",
  line: "if (this.#count === 0 && this.#ring.length > 64) this.#ring = none",
  was: "this.#ring.length > 64",
  why: "a ring that is gone is made anew when it is needed; the small ones are kept to spare that"
}

const sse = {
  file: "src/machine/Sse.ts",
  why: "to look again from there on finds the same line end; the question only spares the search"
}

const rounding = "the margin takes up what rounding leaves of a millisecond, and no two times are just so far apart"

const rest = {
  file: "src/policy/Alarm.ts",
  line: "if (this.#isResting || this.#fiber === undefined) return",
  why: "to look once more whether anybody waits changes nothing; the question only spares the scheduler a task"
}

const slots = { file: "src/policy/Slots.ts" }

const turns = { file: "src/policy/Turns.ts" }

const working = { file: "src/policy/WorkingCircuit.ts" }

// what is decided early, so that the way there need not be gone
const refusedLater = "whoever goes on is refused for the same reason; to be refused here only spares the way there"
const takenLater = "whoever goes on takes it in the same step; to take it here only spares a place in line"

export const survivors: ReadonlyArray<Survivor> = [
  {
    file: "src/machine/AliasTable.ts",
    line: "share.forEach((height, index) => (height < 1 ? small : large).push(index))",
    was: "height < 1",
    becomes: "height <= 1",
    why: "a column that is just whole gives nothing and takes nothing, whichever pile it lies on"
  },
  {
    file: "src/machine/AliasTable.ts",
    line: ";(share[high] < 1 ? small : large).push(high)",
    was: "share[high] < 1",
    becomes: "share[high] <= 1",
    why: "a column that is just whole gives nothing and takes nothing, whichever pile it lies on"
  },
  {
    ...backlog,
    line: "for (let n = pairs.length - 2; n >= 0 && pairs[n]! > time; n -= 2) least = pairs[n + 1]!",
    was: "n >= 0",
    becomes: "true",
    why: "before its beginning a list has nothing, and nothing is later than no time"
  },
  ...["true", "pairs.length >= 0"].map((becomes) => ({
    ...backlog,
    line: "while (pairs.length > 0 && pairs.at(-1)! >= held) pairs.length -= 2",
    was: "pairs.length > 0",
    becomes,
    why: "an empty list has no last, and what is not there is no more than anything"
  })),
  {
    file: "src/machine/Backoff.ts",
    line: "if (atLeast >= cap) return times * atLeast",
    was: "atLeast >= cap",
    becomes: "atLeast > cap",
    why: "at the edge each delay is the cap, and both ways add up so many of it"
  },
  {
    file: "src/machine/CallStats.ts",
    line: "rings: shape.rings.length === 0 ? noRings : shape.rings.map(CallRing.make),",
    was: "shape.rings.length === 0",
    becomes: "false",
    why: "a list of its own is as empty; the question only spares each circuit one"
  },
  {
    ...circuit,
    line: "{ ...self, nextProbe: probe + 1, leases: [...leases, { probe, until: now + rules.probeLease }] }",
    was: "probe + 1",
    becomes: "probe - 1",
    why: "the numbers of probes only tell one from the other, up or down"
  },
  {
    ...circuit,
    line: "if (self._tag !== \"Closed\" || self.openings === 0) return self.openings",
    was: "self.openings === 0",
    becomes: "false",
    why: "of no openings none are forgiven; the question only spares the division"
  },
  {
    ...circuit,
    line: "if (now - ramp.since >= rules.rampFor) return [self.ticket, { ...self, ramp: undefined }]",
    was: "now - ramp.since >= rules.rampFor",
    becomes: "false",
    why: "past its end the share is a whole call, so that all pass; this only lets go of the ramp"
  },
  {
    ...circuit,
    line: "if (now - ramp.since >= rules.rampFor) return [self.ticket, { ...self, ramp: undefined }]",
    was: "now - ramp.since >= rules.rampFor",
    becomes: "now - ramp.since > rules.rampFor",
    why: "at its end the share is a whole call already"
  },
  ...["true", "false", "left !== self.openings"].map((becomes) => ({
    ...circuit,
    line: "return left === self.openings ? self : {",
    was: "left === self.openings",
    becomes,
    why: "what is forgiven is counted from the same time whether it was written down or not, and a copy is as good"
  })),
  { ...demotion, becomes: "true" },
  { ...demotion, becomes: "place.until >= -Infinity" },
  {
    file: "src/machine/Expiry.ts",
    line: "const isBefore = <A>(a: Entry<A>, b: Entry<A>): boolean => a.at < b.at … = b.at && a.number < b.number)",
    was: "a.number < b.number",
    becomes: "a.number <= b.number",
    why: "no two have the same number"
  },
  {
    file: "src/machine/Histogram.ts",
    line: "const bucketOf = (value: number): number => value < lowest ? 0 : Math.min(size - 1, prefix(value) - base)",
    was: "value < lowest",
    becomes: "value <= lowest",
    why: "the first bucket begins at the lowest"
  },
  {
    file: "src/machine/FixedWindow.ts",
    line: "return this.#began + this.#rule.window - now <= epsilon",
    was: "this.#began + this.#rule.window - now <= epsilon",
    becomes: "this.#began + this.#rule.window - now < epsilon",
    why: rounding
  },
  {
    file: "src/machine/Limit.ts",
    line: "if (limit !== this.#limit) this.#set(limit, now)",
    was: "limit !== this.#limit",
    becomes: "true",
    why: "to set the limit that holds changes nothing; the question only spares the work"
  },
  {
    file: "src/machine/Limits.ts",
    line: "if (now >= this.#easesAt) this.ease(now)",
    was: "now >= this.#easesAt",
    becomes: "true",
    why: "ease asks the same of each step; the question only spares the call"
  },
  {
    file: "src/machine/Limits.ts",
    line: "if (now >= this.#easesAt) this.ease(now)",
    was: "now >= this.#easesAt",
    becomes: "true",
    why: "ease asks the same of each step; the question only spares the call"
  },
  {
    file: "src/machine/Limits.ts",
    line: "if (now >= this.#easesAt) this.ease(now)",
    was: "now >= this.#easesAt",
    becomes: "false",
    why: "a wait that reaches beyond a step is walked step by step on a copy, those behind it too"
  },
  {
    file: "src/machine/Limits.ts",
    line: "if (now >= this.#easesAt) this.ease(now)",
    was: "now >= this.#easesAt",
    becomes: "now < this.#easesAt",
    why: "a wait that reaches beyond a step is walked step by step on a copy, those behind it too"
  },
  {
    file: "src/machine/Limits.ts",
    line: "if (now >= this.#easesAt) this.ease(now)",
    was: "now >= this.#easesAt",
    becomes: "now > this.#easesAt",
    why: "to ask, or to take, in the very step in which a share comes back is the same before it and after it"
  },
  {
    file: "src/machine/Limits.ts",
    line: "if (now >= this.#easesAt) this.ease(now)",
    was: "now >= this.#easesAt",
    becomes: "now > this.#easesAt",
    why: "to ask, or to take, in the very step in which a share comes back is the same before it and after it"
  },
  {
    file: "src/machine/Limits.ts",
    line: "if (wait <= paused) return paused",
    was: "wait <= paused",
    becomes: "wait < paused",
    why: "of two that are the same either is the longer"
  },
  {
    file: "src/machine/Limits.ts",
    line: "return now + wait > this.#easesAt ? Math.max(paused, this.#waitWhileItEases(cost, now, wait)) : wait",
    was: "now + wait > this.#easesAt",
    becomes: "true",
    why: "a wait that ends before the next step is walked in no step; the question only spares the copy"
  },
  {
    file: "src/machine/Limits.ts",
    line: "return now + wait > this.#easesAt ? Math.max(paused, this.#waitWhileItEases(cost, now, wait)) : wait",
    was: "now + wait > this.#easesAt",
    becomes: "now + wait >= this.#easesAt",
    why: "a wait that ends before the next step is walked in no step; the question only spares the copy"
  },
  {
    file: "src/machine/Limits.ts",
    line: "if (units !== 0) limit.correct(Math.min(limit.limit, -units), takenAt)",
    was: "units !== 0",
    becomes: "true",
    why: "to give back nothing changes nothing"
  },
  {
    file: "src/machine/Line.ts",
    line: "if (!(Math.abs(place.value.turn - now) < epsilon)) this.#changes++",
    was: "Math.abs(place.value.turn - now) < epsilon",
    becomes: "Math.abs(place.value.turn - now) <= epsilon",
    why: rounding
  },
  {
    file: "src/machine/Line.ts",
    line: "waiting.turn = turn < Infinity && turn <= waiting.until + epsilon ? turn : NaN",
    was: "turn <= waiting.until + epsilon",
    becomes: "turn < waiting.until + epsilon",
    why: rounding
  },
  {
    file: "src/machine/SlidingWindow.ts",
    line: "for (let n = 0; n < this.#count; n++) {",
    was: "n < this.#count",
    becomes: "n <= this.#count",
    why: "in `wait`: without all of its entries a window is empty, so that the last of them ends the loop at the latest"
  },
  {
    file: "src/machine/SlidingWindow.ts",
    line: "return this.#ring[this.#place(n)]! + this.#rule.window - now <= epsilon",
    was: "this.#ring[this.#place(n)]! + this.#rule.window - now <= epsilon",
    becomes: "this.#ring[this.#place(n)]! + this.#rule.window - now < epsilon",
    why: rounding
  },
  { ...ring, becomes: "true" },
  { ...ring, becomes: "this.#ring.length >= 64" },
  {
    file: "src/machine/SlidingWindow.ts",
    line: "while (length < 1.5 * kept.length + 2) length *= 2",
    was: "length < 1.5 * kept.length + 2",
    becomes: "length <= 1.5 * kept.length + 2",
    why: "at the edge there is room either way; the ring is only twice as long"
  },
  {
    file: "src/machine/SlidingWindow.ts",
    line: "if (length !== this.#ring.length) this.#ring = new Float64Array(length)",
    was: "length !== this.#ring.length",
    becomes: "true",
    why: "a new ring of the same length is as good; the question only spares the memory"
  },
  {
    ...sse,
    line: "afterReturn: false,",
    was: "false",
    becomes: "true",
    why: "a blank line at the very beginning ends no event, whether it is taken for one or not"
  },
  { ...sse, line: "if (end === returnAt) {", was: "end === returnAt", becomes: "true" },
  ...["true", "feedAt <= begin"].map((becomes) => ({
    ...sse,
    line: "if (feedAt < begin) feedAt = find(text, \"\\n\", begin)",
    was: "feedAt < begin",
    becomes
  })),
  { ...rest, was: "this.#isResting || this.#fiber === undefined", becomes: "false" },
  { ...rest, was: "this.#fiber === undefined", becomes: "false" },
  {
    ...rest,
    was: "this.#isResting || this.#fiber === undefined",
    becomes: "this.#isResting && this.#fiber === undefined"
  },
  { ...rest, line: "this.#isResting = true", was: "true", becomes: "false" },
  {
    file: "src/policy/Alarm.ts",
    line: "if (now >= this.#at) this.#ring(now)",
    was: "now >= this.#at",
    becomes: "true",
    why: "whoever rings too early wakes nobody, for the list looks at the time as well"
  },
  {
    file: "src/policy/Alarm.ts",
    line: "if (this.#at === Infinity) this.#fiber = undefined",
    was: "this.#at === Infinity",
    becomes: "false",
    why: "to interrupt a fiber that has ended changes nothing; this only lets go of it"
  },
  {
    ...evidence,
    was: "self.weight === 0",
    becomes: "false",
    why: "nothing stays nothing however often it is halved; the question only spares the power"
  },
  {
    ...evidence,
    was: "silence <= 0",
    becomes: "silence < 0",
    why: "at the edge nothing has faded yet: two to the power of zero is one"
  },
  {
    file: "src/machine/Latency.ts",
    line: "self.average = millis > self.average ? millis : self.average * weight + millis * (1 - weight)",
    was: "millis > self.average",
    becomes: "millis >= self.average",
    why: "the mean of two that are the same is either of them"
  },
  {
    file: "src/machine/Latency.ts",
    line: "self.average === 0 ? 0 : self.average * Math.exp(-Math.max(0, now - self.at) / rule.decay)",
    was: "self.average === 0",
    becomes: "false",
    why: "nothing stays nothing however it fades; the question only spares the exponential"
  },
  {
    file: "src/policy/Configuration.ts",
    line:
      "if (typeof value === \"string\") return JSON.stringify(value.replace(/\\/ … /…@\").replace(/\\?.*$/s, \"?…\"))",
    was: "/\\?.*$/s",
    becomes: "/\\?.*/s",
    why: "what takes all it can get reaches the end by itself"
  },
  {
    ...issue,
    line: "const path = (issue?.path ?? []).map((step) => typeof step === \"object\" ? step.key : step)",
    was: "issue?.path",
    becomes: "issue.path"
  },
  {
    ...issue,
    line: "const path = (issue?.path ?? []).map((step) => typeof step === \"object\" ? step.key : step)",
    was: "[]",
    becomes: "[\"Stryker was here\"]"
  },
  { ...issue, line: "const rule = ruleOf(issue?.message)", was: "issue?.message", becomes: "issue.message" },
  { ...issue, line: "case undefined:", was: "case undefined: return \"it is refused\"", becomes: "case undefined:" },
  { ...issue, line: "return \"it is refused\"", was: "\"it is refused\"", becomes: "\"\"" },
  {
    file: "src/policy/Configuration.ts",
    line: "secrets: ReadonlyArray<string> = []",
    was: "[]",
    becomes: "[\"Stryker was here\"]",
    why: "in `decode`: a secret option of that name changes nothing where there is none"
  },
  {
    file: "src/policy/Configuration.ts",
    line: "secrets: ReadonlyArray<string> = []",
    was: "[]",
    becomes: "[\"Stryker was here\"]",
    why: "in `decodeResult`: the same"
  },
  {
    file: "src/policy/Configuration.ts",
    line: "if (Array.isArray(input)) return input.length === 2 && input.every(Number.isFinite)",
    was: "input.length === 2",
    becomes: "true",
    why: "`Duration` refuses lists of any other length as well"
  },
  {
    file: "src/policy/Arguments.ts",
    line: "export const anything: Rule = { holds: () => true, rule: \"\" }",
    was: "\"\"",
    becomes: "\"Stryker was here!\"",
    why: "a rule that always holds is never told"
  },
  ...["true", "about >= 1"].map((becomes) => ({
    file: "src/policy/CircuitBreakerOptions.ts",
    line: "return about > 1 && (about - 1) / of >= ratio ? about - 1 : about",
    was: "about > 1",
    becomes,
    why: "no share is above zero and reached by nothing"
  })),
  {
    file: "src/policy/Classification.ts",
    line: "} catch {",
    was: "{ return undefined }",
    becomes: "{}",
    why: "a function that ends without a value returns undefined"
  },
  {
    file: "src/policy/Classification.ts",
    line: "typeof value === \"object\" && value !== null &&",
    was: "typeof value === \"object\"",
    becomes: "true",
    why: "nothing but an object has the prototype of plain ones, or none"
  },
  {
    file: "src/policy/Copies.ts",
    line: "if (isOver) return",
    was: "isOver",
    becomes: "false",
    why: "a copy that ends after the end was interrupted, and what it says is heard by nobody"
  },
  {
    file: "src/policy/Copies.ts",
    line: "isOver = true",
    was: "true",
    becomes: "false",
    why: "a copy that ends after the end was interrupted, and what it says is heard by nobody"
  },
  {
    file: "src/policy/Copies.ts",
    line: "if (!isOver) fibers.push(fork(next))",
    was: "!isOver",
    becomes: "true",
    why:
      "once the call has ended the timer of the next copy is interrupted with the rest; the question only spares a fiber"
  },
  {
    file: "src/policy/Copies.ts",
    line: "const left = fibers.filter((fiber) => fiber.pollUnsafe() === undefined)",
    was: "fibers.filter((fiber) => fiber.pollUnsafe() === undefined)",
    becomes: "fibers",
    why: "to wait for what has ended takes no time"
  },
  {
    file: "src/policy/Copies.ts",
    line: "const left = fibers.filter((fiber) => fiber.pollUnsafe() === undefined)",
    was: "fiber.pollUnsafe() === undefined",
    becomes: "true",
    why: "to wait for what has ended takes no time"
  },
  {
    file: "src/policy/Copies.ts",
    line: "return left.length === 0 ? undefined : Effect.asVoid(Fiber.awaitAll(left))",
    was: "left.length === 0",
    becomes: "false",
    why: "to wait for nobody takes no time"
  },
  ...[
    ["isResting = false", "false", "true"],
    ["if (list.first !== undefined) return", "list.first !== undefined", "false"],
    ["onIdle()", "onIdle()", ";"],
    ["if (isResting || list.first !== undefined) return", "isResting || list.first !== undefined", "false"],
    [
      "if (isResting || list.first !== undefined) return",
      "isResting || list.first !== undefined",
      "isResting && list.first !== undefined"
    ],
    ["if (isResting || list.first !== undefined) return", "list.first !== undefined", "false"],
    ["isResting = true", "true", "false"],
    [
      "byDuration.set(duration, timer = make(clock, scheduler, () => ofClock.delete(duration)))",
      "() => ofClock.delete(duration)",
      "() => undefined"
    ]
  ].map(([line, was, becomes]) => ({
    file: "src/policy/Cutoff.ts",
    line: line!,
    was: was!,
    becomes: becomes!,
    why:
      "a timer that is kept, let go of early or looked at once more ends the same calls at the same time: it only costs"
  })),
  {
    file: "src/policy/Cutoff.ts",
    line: "DeadlineList.leave(entry)",
    was: "DeadlineList.leave(entry)",
    becomes: ";",
    why:
      "in the finalizer: whoever is interrupted leaves the list by its own end as well, and nobody hears in what time"
  },
  {
    file: "src/policy/Deadline.ts",
    line: "left <= millis ? context : Context.add(context, CurrentDeadline, now + millis),",
    was: "left <= millis",
    becomes: "left < millis",
    why: "a deadline of the same time is the same"
  },
  ...["retry", "breaker"].map((inner) => ({
    file: "src/policy/Order.ts",
    line: `if (bound < ${inner}) return []`,
    was: `bound < ${inner}`,
    becomes: `bound <= ${inner}`,
    why: "neither a retry nor a breaker is a bound"
  })),
  {
    file: "src/policy/Order.ts",
    line: "at: at.filter((index) => index > last),",
    was: "index > last",
    becomes: "index >= last",
    why: "the last bound is no endless wait itself"
  },
  {
    file: "src/policy/Order.ts",
    line: "if (marks.every((mark) => mark < index)) {",
    was: "mark < index",
    becomes: "mark <= index",
    why: "a mark is no hedge"
  },
  {
    file: "src/policy/Passage.ts",
    line: "(wait === Infinity ? Weight.excess(subject, cost, turns.limits) : undefined) ?? turns.refusal(wait)",
    was: "wait === Infinity",
    becomes: "true",
    why: "what is more than a limit can ever let pass waits for ever, and the question only spares the look"
  },
  {
    file: "src/policy/Reservation.ts",
    line: "if (calls === used.calls && tokens === used.tokens) return",
    was: "calls === used.calls && tokens === used.tokens",
    becomes: "false",
    why: "to give back nothing changes nothing"
  },
  ...["true", "weight >= 0"].map((becomes) => ({
    file: "src/policy/SavedCircuit.ts",
    line: "const weighing = (weight: number, at: number): Evidence.Evidence => we … { weight, at } : Evidence.none",
    was: "weight > 0",
    becomes,
    why: "what weighs nothing weighs nothing, whenever it was"
  })),
  ...["tagOf", "retryOf", "hintOf"].map((name) => ({
    file: "src/policy/Verdict.ts",
    line: "} catch {",
    was: "{ return undefined }",
    becomes: "{}",
    why: `in \`${name}\`: a function that ends without a value returns undefined`
  })),
  {
    file: "src/machine/RetryBudget.ts",
    line: "if (slice <= self.newest) return",
    was: "slice <= self.newest",
    becomes: "slice < self.newest",
    why: "within a slice there is nothing to forget; the question only spares the loop"
  },
  {
    file: "src/machine/RetryBudget.ts",
    line: "for (let old = Math.max(self.newest + 1, slice - slices + 1); old <= slice; old++) {",
    was: "slice - slices + 1",
    becomes: "slice - slices - 1",
    why: "whoever goes round further than once empties what is empty"
  },
  {
    file: "src/machine/RetryBudget.ts",
    line: "advance(self, now)",
    was: "advance(self, now)",
    becomes: ";",
    why: "in `refund`: what is forgotten only now was paid in before what was spent, and of that nothing is left"
  },
  {
    file: "src/machine/Tally.ts",
    line: "if (now === self.at) return",
    was: "now === self.at",
    becomes: "false",
    why: "no time has passed, and all of it is left: the question only spares the exponential"
  },
  {
    file: "src/machine/TurnQueue.ts",
    line: "if (first !== undefined && (found === undefined || first.value.number < found.value.number)) found = first",
    was: "first.value.number < found.value.number",
    becomes: "first.value.number <= found.value.number",
    why: "no two have the same number"
  },
  {
    file: "src/policy/BulkheadHandle.ts",
    line: "if (claim.weight === 1) return call",
    was: "claim.weight === 1",
    becomes: "false",
    why: "one slot always fits; the question only spares asking at every call"
  },
  {
    file: "src/policy/Keyed.ts",
    line: "? JSON.stringify(given.toSorted(([a], [b]) => a < b ? -1 : 1))",
    was: "a < b",
    becomes: "a <= b",
    why: "no two options have the same name"
  },
  {
    file: "src/policy/Keyed.ts",
    line: "? JSON.stringify(given.toSorted(([a], [b]) => a < b ? -1 : 1))",
    was: "a < b",
    becomes: "a >= b",
    why: "backwards is an order as well"
  },
  ...[
    ["this.#line !== undefined && this.#line.size > 0", "true"],
    ["this.#line.size > 0", "true"],
    ["this.#line.size > 0", "this.#line.size >= 0"]
  ].map(([was, becomes]) => ({
    ...slots,
    line: "if (this.#line !== undefined && this.#line.size > 0) this.#serve()",
    was: was!,
    becomes: becomes!,
    why: "where nobody waits nobody is served; the question only spares the look"
  })),
  ...["true", "left <= Infinity"].map((becomes) => ({
    ...slots,
    line: "if (left < Infinity && this.#isTooLate(line, waiter, left, now)) return this.refusal(\"TooLate\")",
    was: "left < Infinity",
    becomes,
    why: "without a deadline nothing is too late; the question only spares the estimate"
  })),
  {
    ...slots,
    line: "if (this.hasRoom(weight)) return undefined",
    was: "this.hasRoom(weight)",
    becomes: "true",
    why: refusedLater
  },
  ...["true", "this.#queued <= this.settings.maxQueued"].map((becomes) => ({
    ...slots,
    line: "return this.#queued < this.settings.maxQueued ? undefined : this.refusal(\"Full\")",
    was: "this.#queued < this.settings.maxQueued",
    becomes,
    why: refusedLater
  })),
  {
    ...slots,
    line: "if (line.size === 0 || !this.#fits(1)) return false",
    was: "line.size === 0",
    becomes: "false",
    why: "in an empty line nobody is next; the question only spares the look"
  },
  {
    ...turns,
    line: "#isDue = false",
    was: "false",
    becomes: "true",
    why: "it is said anew before anybody asks"
  },
  ...[
    ["wait === 0", "false"],
    ["{ this.limits.take(cost, now) return use(now) }", "{}"],
    ["wait === 0", "false"],
    ["{ this.limits.take(cost, now) onTurn() return Effect.void }", "{}"]
  ].map(([was, becomes]) => ({
    ...turns,
    line: "if (wait === 0) {",
    was: was!,
    becomes: becomes!,
    why: takenLater
  })),
  ...["refuse(wait)", "this.refusal(wait)"].map((refusal) => ({
    ...turns,
    line: `if (isTooLong(wait, longest)) return Effect.fail(${refusal})`,
    was: "isTooLong(wait, longest)",
    becomes: "false",
    why: refusedLater
  })),
  {
    ...turns,
    line: "if (this.#line.size === 1) this.#arm(waiter, wait, now)",
    was: "this.#line.size === 1",
    becomes: "true",
    why: "who stands behind passes later than the first, whose timer is kept; the question only spares the look"
  },
  ...[
    ["const wasFirst = this.#line!.first === place", "this.#line!.first === place"],
    ["if (wasFirst) this.#serve()", "wasFirst"]
  ].map(([line, was]) => ({
    ...turns,
    line: line!,
    was: was!,
    becomes: "true",
    why: "to look at the first once more changes nothing"
  })),
  {
    ...turns,
    line: "return left < maxWait ? left : maxWait",
    was: "left < maxWait",
    becomes: "left <= maxWait",
    why: "the shorter of two that are the same is either of them"
  },
  {
    ...turns,
    line: "wait === Infinity || Math.ceil(wait - slack) > longest + slack",
    was: "Math.ceil(wait - slack) > longest + slack",
    becomes: "Math.ceil(wait - slack) >= longest + slack",
    why: rounding
  },
  ...[
    [
      "if (circuit._tag === \"Isolated\") return this.#refuse(\"Isolated\", undefined).fail",
      "circuit._tag === \"Isolated\"",
      "false"
    ],
    ["return wait > 0 ? this.#refuse(\"Open\", wait).fail : undefined", "wait > 0", "false"]
  ].map(([line, was, becomes]) => ({ ...working, line: line!, was: was!, becomes: becomes!, why: refusedLater })),
  {
    ...working,
    line: "if (next !== this.#circuit) this.#move(next)",
    was: "next !== this.#circuit",
    becomes: "true",
    why: "to move to where it is changes nothing"
  },
  {
    ...working,
    line: "if (this.#all.size === 0 && this.#own.length === 0) return",
    was: "this.#all.size === 0 && this.#own.length === 0",
    becomes: "false",
    why: "where nobody watches nobody is told; the question only spares the words"
  },
  ...["if (isHopeless) return false", "if (failure === undefined) return false"].map((line) => ({
    file: "src/policy/Retry.ts",
    line,
    was: "false",
    becomes: "true",
    why: "whoever tries again asks for the failure and the schedule itself, and stops there"
  })),
  {
    file: "src/policy/RetryBudget.ts",
    line: "const latest: Latest = { now: -Infinity }",
    was: "-Infinity",
    becomes: "+Infinity",
    why: "before anybody asked at any time nothing was spent, and what is not spent rests at all times"
  },
  ...["false", "this.settings.maxWait < 0"].map((becomes) => ({
    ...slots,
    line: "if (this.settings.maxWait <= 0) return this.refusal(\"WaitedTooLong\")",
    was: "this.settings.maxWait <= 0",
    becomes,
    why: "whose time is up is rung for in the same step; the question only spares a place in line"
  })),
  {
    file: "src/policy/WaitingLine.ts",
    line: "if (until === Infinity) return",
    was: "until === Infinity",
    becomes: "false",
    why: "nobody is rung for at the end of time; the question only spares the entry"
  },
  {
    ...turns,
    line: "this.#line!.leave(place)",
    was: "this.#line!.leave(place)",
    becomes: ";",
    why: "in `#serveFirst`: whoever is refused leaves by its own end as well, in the same step"
  },
  {
    ...turns,
    line: "if (this.#timer !== undefined && this.#timer.due <= now + sleep + slack) return",
    was: "this.#timer.due <= now + sleep + slack",
    becomes: "this.#timer.due < now + sleep + slack",
    why: rounding
  },
  {
    file: "src/machine/Rendezvous.ts",
    line: "if (arrivals[index]! > passed && (best < 0 || arrivals[index]! < arrivals[best]!)) best = index",
    was: "arrivals[index]! < arrivals[best]!",
    becomes: "arrivals[index]! <= arrivals[best]!",
    why: "of two that come at the very same time either may be first"
  },
  {
    file: "src/machine/Rendezvous.ts",
    line: "for (let place = 0; place < members.length; place++) {",
    was: "place < members.length",
    becomes: "place <= members.length",
    why: "what is written past the end of such a list is not written"
  },
  {
    file: "src/machine/Rendezvous.ts",
    line: "for (let index = 0; index < arrivals.length; index++) {",
    was: "index < arrivals.length",
    becomes: "index <= arrivals.length",
    why: "past the end nothing stands, and what is not there is never next"
  },
  {
    ...turns,
    line: "if (this.#timer !== timer) return",
    was: "this.#timer !== timer",
    becomes: "false",
    why: "a timer ends in the step that lets go of it, in which the first in line is looked at anyway"
  },
  {
    file: "src/machine/Freshness.ts",
    line:
      "return earlyRefresh > 0 && age - took * earlyRefresh * Math.log(chance) >= timeToLive ? \"Early\" : \"Fresh\"",
    was: "earlyRefresh > 0",
    becomes: "true",
    why: "where nothing is to be early, chance moves nothing; the question only spares the logarithm"
  },
  {
    file: "src/machine/Freshness.ts",
    line:
      "return earlyRefresh > 0 && age - took * earlyRefresh * Math.log(chance) >= timeToLive ? \"Early\" : \"Fresh\"",
    was: "earlyRefresh > 0",
    becomes: "earlyRefresh >= 0",
    why: "where nothing is to be early, chance moves nothing; the question only spares the logarithm"
  },
  {
    file: "src/machine/Ledger.ts",
    line: "#endpoint = \"\"",
    was: "\"\"",
    becomes: "\"Stryker was here!\"",
    why: "whose the latest row is is asked only once there is one"
  },
  {
    file: "src/machine/Ledger.ts",
    line: "if (day < earliest!.day) return this.#today = earliest!",
    was: "day < earliest!.day",
    becomes: "day <= earliest!.day",
    why: "a day that is kept is found before, so none comes here that is the earliest"
  },
  {
    file: "src/machine/Money.ts",
    line: "const digits = String(amount < 0n ? -amount : amount).padStart(10, \"0\")",
    was: "amount < 0n",
    becomes: "amount <= 0n",
    why: "nothing with a minus before it is nothing"
  },
  {
    file: "src/machine/Popularity.ts",
    line: "for (let slot = first; slot < first + ways; slot++) {",
    was: "slot < first + ways",
    becomes: "slot <= first + ways",
    why: "a print says in which bucket it is, so no other bucket has it"
  },
  {
    file: "src/machine/Popularity.ts",
    line: "if (prints[slot] === print && counts[slot]! > 0) return counts[slot]!",
    was: "counts[slot]! > 0",
    becomes: "counts[slot]! >= 0",
    why: "a count of nothing is nothing, wherever it stands"
  },
  {
    file: "src/machine/Popularity.ts",
    line: "if (prints[slot] === print && counts[slot]! > 0) return counts[slot]!",
    was: "counts[slot]! > 0",
    becomes: "true",
    why: "a count of nothing is nothing, wherever it stands"
  },
  {
    file: "src/machine/Popularity.ts",
    line: "for (let slot = 0; slot < counts.length; slot++) counts[slot] = counts[slot]! >>> 1",
    was: "slot < counts.length",
    becomes: "slot <= counts.length",
    why: "beyond its end a typed array keeps nothing"
  },
  {
    file: "src/machine/Sha256.ts",
    line: "for (let t = 0, at = from; t < 16; t++, at += 4) {",
    was: "t < 16",
    becomes: "t <= 16",
    why: "the seventeenth word is written anew before anybody reads it"
  },
  {
    file: "src/machine/Sha256.ts",
    line: "for (let t = 16; t < 64; t++) {",
    was: "t < 64",
    becomes: "t <= 64",
    why: "beyond its end a typed array keeps nothing"
  },
  {
    file: "src/machine/Sha256.ts",
    line: "const bytes = roomFor(text) <= scratch.length ? scratch : new Uint8Array(roomFor(text))",
    was: "roomFor(text) <= scratch.length",
    becomes: "false",
    why: "a buffer of its own does as well; the one that is there only spares making it"
  },
  {
    file: "src/machine/Sha256.ts",
    line: "const bytes = roomFor(text) <= scratch.length ? scratch : new Uint8Array(roomFor(text))",
    was: "roomFor(text) <= scratch.length",
    becomes: "roomFor(text) < scratch.length",
    why: "no text takes just as much room as there is: a third of a byte is missing"
  },
  {
    file: "src/machine/Sha256.ts",
    line: "bytes[end - 5] = written >>> 29",
    was: "end - 5",
    becomes: "end + 5",
    why: "only a text of half a gigabyte has bits there, and to digest one takes longer than a test may"
  },
  {
    file: "src/machine/Sha256.ts",
    line: "for (let candidate = 2; found < 64; candidate++) {",
    was: "found < 64",
    becomes: "found <= 64",
    why: "beyond its end a typed array keeps nothing"
  },
  {
    file: "src/machine/Sha256.ts",
    line: "if (isPrime) constants[found++] = (Math.cbrt(candidate) % 1) * 0x1_0000_0000",
    was: "Math.cbrt(candidate) % 1",
    becomes: "Math.cbrt(candidate) * 1",
    why: "what is whole falls off where thirty-two bits are kept"
  },
  {
    file: "src/policy/SingleFlight.ts",
    line: "if (flight.fiber.pollUnsafe() !== undefined) return flight",
    was: "flight.fiber.pollUnsafe() !== undefined",
    becomes: "false",
    why: "who has ended says so at once when it is asked to, and is taken out again; the question only spares that"
  },
  {
    file: "src/policy/CacheEntry.ts",
    line: "typeof failure === \"object\" && failure !== null && \"_tag\" in failure ? String(failure._tag) : \"\"",
    was: "\"\"",
    becomes: "\"Stryker was here!\"",
    why: "what has no tag goes by a name that nobody gives"
  },
  {
    file: "src/policy/CacheTier.ts",
    line: "isLate = true",
    was: "true",
    becomes: "false",
    why: "whoever was interrupted hears no more of it, whatever is said"
  },
  {
    file: "src/policy/WorkingCache.ts",
    line: "this.#generation++",
    was: "this.#generation++",
    becomes: "this.#generation--",
    why: "one generation is only ever told from another"
  },
  {
    file: "src/policy/WorkingCache.ts",
    line: "return this.#tier === undefined || terms?.codec === undefined ? asked : Effect.flatMap(",
    was: "this.#tier === undefined || terms?.codec === undefined",
    becomes: "false",
    why: "whoever has no store below, or does not say how to cross into it, looks there for nothing"
  },
  {
    file: "src/policy/WorkingCache.ts",
    line: "return this.#tier === undefined || terms?.codec === undefined ? asked : Effect.flatMap(",
    was: "this.#tier === undefined || terms?.codec === undefined",
    becomes: "this.#tier === undefined && terms?.codec === undefined",
    why: "whoever has no store below, or does not say how to cross into it, looks there for nothing"
  },
  {
    file: "src/policy/WorkingCache.ts",
    line: "return this.#tier === undefined || terms?.codec === undefined ? asked : Effect.flatMap(",
    was: "terms?.codec === undefined",
    becomes: "false",
    why: "whoever has no store below, or does not say how to cross into it, looks there for nothing"
  },
  {
    file: "src/policy/WorkingCache.ts",
    line: "return this.#tier === undefined || terms?.codec === undefined ? asked : Effect.flatMap(",
    was: "this.#tier === undefined",
    becomes: "false",
    why: "whoever has no store below, or does not say how to cross into it, looks there for nothing"
  }
]
