import { EventEmitter } from 'node:events'
import { Writable } from 'node:stream'
import { main } from '../src/main.ts'
import { createScreen, type Io, type Screen } from '../src/terminal/index.ts'

/** A stream that keeps what is written. */
export class Kept extends Writable {
  text = ''
  readonly isTTY: boolean
  readonly columns = 40
  readonly #onWrite: (text: string) => void

  constructor(isTTY = false, onWrite: (text: string) => void = () => {}) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
    this.#onWrite = onWrite
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk
    this.#onWrite(chunk)
    done()
  }
}

/** A screen, and what was written to it so far. */
export function keptScreen(
  isTTY = false,
  env: Io['env'] = {},
): { readonly screen: Screen; readonly text: () => string } {
  const stdout = new Kept(isTTY)
  return { screen: createScreen({ stdout, env }), text: () => stdout.text }
}

export interface Captured {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line in this process. `onStdout` sees each piece; `interrupt` is Ctrl-C. */
export async function runDemo(
  argv: readonly string[],
  onStdout: (piece: string, interrupt: () => void) => void = () => {},
): Promise<Captured> {
  const signals = new EventEmitter()
  const stdout = new Kept(false, (piece) => onStdout(piece, () => void signals.emit('interrupt')))
  const stderr = new Kept()
  const code = await main(argv, {
    stdout,
    stderr,
    env: {},
    onInterrupt(listener) {
      signals.on('interrupt', listener)
      return () => void signals.off('interrupt', listener)
    },
  })
  return { code, stdout: stdout.text, stderr: stderr.text }
}
