import { EventEmitter } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { main } from '../../src/main.ts'
import type { Io } from '../../src/terminal/index.ts'

/** A stream that collects what is written, and calls back for each piece. */
class Kept extends Writable {
  text = ''
  readonly isTTY: boolean
  readonly columns = 80
  readonly #onWrite: (text: string) => void

  constructor(isTTY: boolean, onWrite: (text: string) => void) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
    this.#onWrite = onWrite
  }

  override _write(chunk: string, _encoding: string, done: (error?: Error) => void): void {
    this.text += chunk
    this.#onWrite(chunk)
    done()
  }
}

export interface CaptureOptions {
  readonly isTTY?: boolean
  /** Called with each piece of stdout; `interrupt` is Ctrl-C. */
  readonly onStdout?: (piece: string, control: { readonly interrupt: () => void; readonly stdin: PassThrough }) => void
  readonly onStderr?: (piece: string, control: { readonly interrupt: () => void; readonly stdin: PassThrough }) => void
  readonly stdin?: string
}

export interface Captured {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** stdout and stderr in the order of writing: what a terminal shows. */
  readonly screen: string
}

/** Runs a command line in this process with its own streams. */
export async function tessera(argv: readonly string[], options: CaptureOptions = {}): Promise<Captured> {
  const signals = new EventEmitter()
  const stdin = new PassThrough()
  if (options.stdin !== undefined) stdin.end(options.stdin)
  const control = { stdin, interrupt: () => void signals.emit('interrupt') }
  let screen = ''
  const stdout = new Kept(false, (piece) => {
    screen += piece
    options.onStdout?.(piece, control)
  })
  const stderr = new Kept(options.isTTY ?? false, (piece) => {
    screen += piece
    options.onStderr?.(piece, control)
  })
  const io: Io = {
    stdin,
    stdout,
    stderr,
    onInterrupt(listener) {
      signals.on('interrupt', listener)
      return () => void signals.off('interrupt', listener)
    },
  }
  const code = await main(argv, io)
  return { code, stdout: stdout.text, stderr: stderr.text, screen }
}
