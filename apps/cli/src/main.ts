import { isTesseraError } from '@tessera-llm/tensor'
import { parseCommandLine } from './command-line.ts'
import { createOutput, type Io, processIo } from './terminal/index.ts'

/** Exit codes of the process. */
export const exitCodes: { readonly done: 0; readonly failed: 1; readonly usage: 2; readonly interrupted: 130 } = {
  done: 0,
  failed: 1,
  usage: 2,
  interrupted: 130,
}

/** Runs one command line (without `node` and the script) and returns its exit code. Never throws. */
export async function main(argv: readonly string[], io: Io = processIo()): Promise<number> {
  const { stdout, stderr } = io
  const commandLine = parseCommandLine(argv)
  if (commandLine.kind === 'print') {
    stdout.write(`${commandLine.text}\n`)
    return exitCodes.done
  }
  if (commandLine.kind === 'usage-error') {
    stderr.write(`tessera: ${commandLine.message}\n`)
    return exitCodes.usage
  }
  const abort = new AbortController()
  let reason: 'interrupted' | 'closed' | undefined
  const stop = (why: 'interrupted' | 'closed'): void => {
    reason ??= why
    abort.abort()
  }
  const unlisten = io.onInterrupt(() => stop('interrupted'))
  // A closed reader, as in `tessera … | head`, is no error: nobody reads a message.
  const broken = (error: NodeJS.ErrnoException): void => {
    if (error.code === 'EPIPE') stop('closed')
    else throw error
  }
  stdout.on('error', broken)
  // Nobody reads the notes any more: the work goes on.
  stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  try {
    await commandLine.run(createOutput(commandLine.json, io), abort.signal, io)
    return exitCodes.done
  } catch (error) {
    if (reason === 'closed') return exitCodes.done
    if (reason === 'interrupted') {
      stderr.write('tessera: interrupted\n')
      return exitCodes.interrupted
    }
    return report(error, stderr)
  } finally {
    unlisten()
  }
}

function report(error: unknown, stderr: Io['stderr']): number {
  if (isTesseraError(error)) {
    stderr.write(`tessera: ${error.message}\n`)
    return error.code === 'invalid-option' ? exitCodes.usage : exitCodes.failed
  }
  // Any other error is a defect; its stack helps to report it.
  stderr.write(
    `tessera: unexpected error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  )
  return exitCodes.failed
}
