/** What is seen while days pass, on the standard error. */

export interface Progress {
  readonly onShare: (share: number, what: string) => void
  readonly end: () => void
}

/** On a terminal one line that changes, cut to its width; elsewhere a line for every ten percent. */
export const make = (stage: string): Progress => {
  const { stderr } = process
  let shown = -1
  return {
    onShare: (share, what) => {
      const percent = Math.floor(share * 100)
      const line = `${stage} ${percent} % · ${what}`
      // the last column stays free: some terminals wrap when it is written to
      if (stderr.isTTY) stderr.write(`\r\u001b[K${line.slice(0, Math.max(1, stderr.columns - 1))}`)
      else if (percent >= shown + 10) stderr.write(`${line}\n`)
      if (percent >= shown + 10) shown = percent
    },
    end: () => {
      if (stderr.isTTY) stderr.write("\r\u001b[K")
    }
  }
}
