// Starts other programs so that Ctrl-C, signals and exit codes pass through, on Windows too: no shell is involved.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

/**
 * Runs a program with this terminal and gives its exit code; 128 + number of the signal that ended it, as shells do.
 */
export function run(command, args, { cwd = root, env = {}, quiet = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit',
      env: { ...process.env, ...env },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (output += data))
    // A terminal sends Ctrl-C to the whole group: the program has it already and must not get it twice.
    const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
      const forward = () => {
        if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
      }
      process.on(signal, forward)
      return () => process.off(signal, forward)
    })
    const finish = (code) => {
      for (const off of handlers) off()
      if (quiet && code !== 0) process.stderr.write(output)
      resolve(code)
    }
    child.once('error', (error) => {
      console.error(`${command} could not be started: ${error.message}`)
      finish(1)
    })
    child.once('close', (code, signal) => finish(code ?? 128 + (constants.signals[signal] ?? 0)))
  })
}

/** Runs a program and ends this one with the same code if it fails. */
export async function must(command, args, options) {
  const code = await run(command, args, options)
  if (code !== 0) process.exit(code)
}

/** Runs `npx …` as npm's own script, because `npx` is a batch file on Windows, which only a shell can start. */
export async function mustNpx(args, options) {
  const nodeFolder = dirname(process.execPath)
  const npm = process.env['npm_execpath'] ?? ''
  const scripts = [
    ...(basename(npm) === 'npm-cli.js' ? [join(dirname(npm), 'npx-cli.js')] : []),
    join(nodeFolder, 'node_modules/npm/bin/npx-cli.js'),
    join(nodeFolder, '../lib/node_modules/npm/bin/npx-cli.js'),
  ]
  const script = scripts.find((path) => existsSync(path))
  if (script) await must(process.execPath, [script, ...args], options)
  else await must('npx', args, options)
}
