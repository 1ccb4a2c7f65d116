#!/usr/bin/env node
// Fetches what Tessera is compared with into peers/node_modules, at the versions of its lock file.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const { packageManager } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
const { status, error } = spawnSync(
  'npx',
  ['--yes', '--prefer-offline', packageManager, 'install', '--frozen-lockfile', '--prefer-offline'],
  {
    cwd: fileURLToPath(new URL('../peers/', import.meta.url)),
    stdio: 'inherit',
    shell: process.platform === 'win32',
  },
)
if (error) console.error(`npx could not be started: ${error.message}`)
process.exitCode = status ?? 1
