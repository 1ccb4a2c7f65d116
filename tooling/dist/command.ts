import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'

export const root: string = join(import.meta.dirname, '../..')

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  /** Runs a script of package.json, with the programs of the root in its path. */
  readonly shell?: boolean
}

/** Runs a program to its end and returns its output. */
export function execute(
  command: string,
  args: readonly string[],
  { cwd, env, shell = false }: CommandOptions,
): Promise<CommandResult> {
  const path = [join(root, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter)
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      shell,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: path, ...env },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (data) => (stdout += String(data)))
    child.stderr.on('data', (data) => (stderr += String(data)))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/** Like `execute`, but throws with the program's output if it fails. */
export async function mustExecute(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { code, stdout, stderr } = await execute(command, args, options)
  if (code !== 0)
    throw new Error(`${[command, ...args].join(' ')} in ${options.cwd} ended with ${code}:\n${stdout}\n${stderr}`)
  return stdout
}

/** Processes items two at a time, the number of cores of the test machine. */
export async function eachOfTwo<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all([worker(), worker()])
}
