// Brings everything that a fresh clone lacks, then runs one task: node tooling/bootstrap/run.mjs test
// Dependency-free: it runs before anything is installed.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Tessera needs Node.js 20.19 or later; this is ${process.versions.node}.`)
  process.exit(1)
}

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const stampFile = join(root, 'node_modules/.tessera-install')

const run = (command, args) => {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (error) console.error(`${command} could not be started: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}
const pnpm = (...args) => run('npx', ['--yes', '--prefer-offline', packageManager, ...args])

const stamp = createHash('sha256').update(readFileSync(join(root, 'pnpm-lock.yaml'))).update(readFileSync(join(root, 'pnpm-workspace.yaml'))).digest('hex')
if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) {
  pnpm('install', '--frozen-lockfile', '--prefer-offline')
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, stamp)
}
const assembly = join(root, 'tooling/assembly/build.mjs')
if (existsSync(assembly)) run(process.execPath, [assembly])

const [task = 'help', ...rest] = process.argv.slice(2)
const tasks = {
  test: () => run(process.execPath, [join(root, 'tooling/bootstrap/test.mjs'), ...rest]),
  build: () => pnpm('exec', 'turbo', 'run', 'build', ...rest),
}
const chosen = Object.hasOwn(tasks, task) ? tasks[task] : undefined
if (!chosen) {
  console.error(`node tooling/bootstrap/run.mjs TASK, where TASK is one of: ${Object.keys(tasks).join(', ')}`)
  process.exit(2)
}
chosen()
