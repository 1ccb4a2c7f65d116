import type { Io } from './io.ts'

/** Progress bar of one operation. */
export interface Progress {
  report(done: number, total: number): void
  /** Removes the bar from the screen. */
  end(): void
}

const redrawMs = 100

/** A bar on one line of stderr if stderr is a terminal; nothing for a file or a pipe. Does not hide the cursor. */
export function createProgress(label: string, { stderr }: Pick<Io, 'stderr'>): Progress {
  if (stderr.isTTY !== true) return { report: () => {}, end: () => {} }
  const begin = performance.now()
  let shownAt = Number.NEGATIVE_INFINITY
  return {
    report(done, total) {
      const now = performance.now()
      if (now - shownAt < redrawMs) return
      shownAt = now
      const share = total > 0 ? Math.min(1, done / total) : 1
      const width = Math.max(10, Math.min(30, (stderr.columns ?? 80) - label.length - 24))
      const filled = Math.round(share * width)
      const restSeconds = share > 0 ? ((now - begin) / 1000) * (1 / share - 1) : 0
      stderr.write(
        `\r${label} ${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${String(Math.floor(share * 100)).padStart(3)} % ${restSeconds.toFixed(0)} s left \u001b[K`,
      )
    },
    end() {
      if (shownAt > 0) stderr.write('\r\u001b[K')
      shownAt = Number.NEGATIVE_INFINITY
    },
  }
}
