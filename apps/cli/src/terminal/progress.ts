import type { Io } from './io.ts'

/** Progress bar of one operation. */
export interface Progress {
  report(done: number, total: number): void
  /** Removes the bar from the screen. */
  end(): void
}

const redrawMs = 100
const firstLineMs = 10_000
const lineMs = 30_000

/**
 * A bar on one line of stderr if stderr is a terminal; it does not hide the cursor. In a file or a pipe a line after ten
 * seconds and then every thirty, so that a log shows that long work goes on and short work leaves nothing there.
 */
export function createProgress(label: string, { stderr }: Pick<Io, 'stderr'>): Progress {
  return stderr.isTTY === true ? bar(label, stderr) : lines(label, stderr)
}

function bar(label: string, stderr: Io['stderr']): Progress {
  const begin = performance.now()
  let shownAt = Number.NEGATIVE_INFINITY
  return {
    report(done, total) {
      const now = performance.now()
      if (now - shownAt < redrawMs) return
      shownAt = now
      const share = shareOf(done, total)
      const width = Math.max(10, Math.min(30, (stderr.columns ?? 80) - label.length - 24))
      const filled = Math.round(share * width)
      stderr.write(
        `\r${label} ${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${state(share, now - begin)} \u001b[K`,
      )
    },
    end() {
      if (shownAt > 0) stderr.write('\r\u001b[K')
      shownAt = Number.NEGATIVE_INFINITY
    },
  }
}

function lines(label: string, stderr: Io['stderr']): Progress {
  const begin = performance.now()
  let nextAt = begin + firstLineMs
  return {
    report(done, total) {
      const now = performance.now()
      if (now < nextAt) return
      nextAt = now + lineMs
      stderr.write(`${label} ${state(shareOf(done, total), now - begin)}\n`)
    },
    end() {},
  }
}

const shareOf = (done: number, total: number): number => (total > 0 ? Math.min(1, done / total) : 1)

/** `25 % 3 s left`, if work goes on as fast as it has. */
function state(share: number, elapsedMs: number): string {
  const restSeconds = share > 0 ? (elapsedMs / 1000) * (1 / share - 1) : 0
  return `${String(Math.floor(share * 100)).padStart(3)} % ${restSeconds.toFixed(0)} s left`
}
