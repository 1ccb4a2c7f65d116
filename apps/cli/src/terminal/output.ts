import type { Io } from './io.ts'
import { createProgress, type Progress } from './progress.ts'

/** Output of a command: results to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean
  /** A line for people on stderr. */
  note(line: string): void
  /** Text of the result on stdout as it arrives; nothing in JSON mode. */
  text(piece: string): void
  /** The one JSON object of `--json`. NaN and infinities, which JSON lacks, become null. */
  result(value: object): void
  progress(label: string): Progress
}

export function createOutput(json: boolean, io: Pick<Io, 'stdout' | 'stderr'>): Output {
  const { stdout, stderr } = io
  return {
    json,
    note: (line) => void stderr.write(`${line}\n`),
    text: (piece) => void (json || piece === '' || stdout.write(piece)),
    result: (value) => void (json && stdout.write(`${JSON.stringify(value)}\n`)),
    progress: (label) => createProgress(label, io),
  }
}
