import { isTesseraError } from '@tessera-llm/tensor'
import { type DemoArguments, parseArguments, usage } from './arguments.ts'
import { demo } from './demo.ts'
import { createScreen, type Io, processIo } from './terminal/index.ts'

/** Exit codes of the process. */
export const exitCodes: { readonly done: 0; readonly failed: 1; readonly usage: 2; readonly interrupted: 130 } = {
  done: 0,
  failed: 1,
  usage: 2,
  interrupted: 130,
}

/** Runs the demo and returns its exit code. Never throws. */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  const { stdout, stderr } = io
  let args: DemoArguments | undefined
  try {
    args = parseArguments(argv)
  } catch (error) {
    stderr.write(`demo: ${messageOf(error)}\n${usage}\n`)
    return exitCodes.usage
  }
  if (!args) {
    stdout.write(`${usage}\n`)
    return exitCodes.done
  }
  const abort = new AbortController()
  let reason: 'interrupted' | 'closed' | undefined
  const stop = (why: 'interrupted' | 'closed'): void => {
    reason ??= why
    abort.abort()
  }
  const unlisten = io.onInterrupt(() => stop('interrupted'))
  // The reader is gone, as in `npm run demo | head`.
  const broken = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') stop('closed')
    else throw error
  }
  stdout.on('error', broken)
  const screen = createScreen(io)
  try {
    return (await demo(args, screen, abort.signal)) ? exitCodes.done : exitCodes.failed
  } catch (error) {
    if (reason === 'closed') return exitCodes.done
    screen.endLine()
    if (reason === 'interrupted') {
      stderr.write('demo: interrupted\n')
      return exitCodes.interrupted
    }
    stderr.write(`demo: ${messageOf(error)}\n`)
    return exitCodes.failed
  } finally {
    unlisten()
  }
}

/** A defect shows its stack, which helps to report it. */
function messageOf(error: unknown): string {
  if (isTesseraError(error)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
