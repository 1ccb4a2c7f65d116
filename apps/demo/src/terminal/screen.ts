import type { Io } from './io.ts'

/** Output of the scenes. Styles are empty if the output is no terminal or NO_COLOR is set. */
export interface Screen {
  /** A piece of a streamed text. */
  write(text: string): void
  /** A whole line; what was streamed before it gets its line end. */
  line(text?: string): void
  /** Ends a streamed line or a status line. */
  endLine(): void
  heading(text: string): void
  /** A line that the next output replaces; only on a terminal. */
  status(text: string): void
  bold(text: string): string
  dim(text: string): string
}

const redrawMs = 80

export function createScreen({ stdout, env }: Pick<Io, 'stdout' | 'env'>): Screen {
  const isTerminal = stdout.isTTY === true && env['TERM'] !== 'dumb'
  const isColored = isTerminal && !env['NO_COLOR']
  const style = (code: number, text: string): string => (isColored ? `\u001b[${code}m${text}\u001b[0m` : text)
  let isLineOpen = false
  let hasStatus = false
  let drawnAt = Number.NEGATIVE_INFINITY

  const put = (text: string): void => {
    if (text === '') return
    stdout.write(hasStatus ? `\r\u001b[K${text}` : text)
    hasStatus = false
    isLineOpen = !text.endsWith('\n')
  }
  const endLine = (): void => {
    if (isLineOpen) put('\n')
    if (hasStatus) stdout.write('\r\u001b[K')
    hasStatus = false
  }
  const line = (text = ''): void => put(`${isLineOpen ? '\n' : ''}${text}\n`)
  return {
    write: put,
    line,
    endLine,
    heading: (text) => line(`\n${style(1, `── ${text}`)}`),
    status(text) {
      const now = performance.now()
      if (!isTerminal || isLineOpen || (hasStatus && now - drawnAt < redrawMs)) return
      drawnAt = now
      stdout.write(`\r${style(2, text.slice(0, Math.max(0, (stdout.columns || 80) - 1)))}\u001b[K`)
      hasStatus = true
    },
    bold: (text) => style(1, text),
    dim: (text) => style(2, text),
  }
}
