// Installs dependencies once for each lock file: all of them, or only those of some apps and of the tools that build
// them.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { mustNpx, root } from './process.mjs'

const stampFile = join(root, 'node_modules/.tessera-install.json')
const buildTools = ['@tessera-tooling/assembly', '@tessera-tooling/tsup']

/** The pinned pnpm, brought by npx; from npm's cache where it is there, so that it works offline too. */
export async function pnpm(...args) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  await mustNpx(['--yes', '--prefer-offline', packageManager, ...args], {
    env: { TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' },
  })
}

/** `apps`: names of the apps whose dependencies are needed; left out, everything. Ends the program where it fails. */
export async function install(apps) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .update(readFileSync(join(root, 'pnpm-workspace.yaml')))
    .digest('hex')
  const stamp = readStamp()
  const isCurrent = stamp.lock === lock
  const there = new Set(isCurrent ? stamp.apps : [])
  if (isCurrent && (stamp.all || apps?.every((app) => there.has(app)))) return
  // An install of everything is never reduced.
  const wanted = apps === undefined || stamp.all ? undefined : [...new Set([...(stamp.apps ?? []), ...apps])]
  const some =
    wanted === undefined
      ? []
      : [
          '--prod',
          ...wanted.flatMap((app) => ['--filter-prod', `${app}...`]),
          ...buildTools.flatMap((tool) => ['--filter', tool]),
        ]
  console.error(`Installing ${wanted === undefined ? 'all dependencies' : `what ${wanted.join(' and ')} needs`} …`)
  await pnpm(
    'install',
    '--frozen-lockfile',
    '--prefer-offline',
    '--config.confirm-modules-purge=false',
    '--reporter=append-only',
    '--loglevel=warn',
    ...some,
  )
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, JSON.stringify(wanted === undefined ? { lock, all: true } : { lock, apps: wanted }))
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'))
  } catch {
    // Without a stamp, an existing install was made by hand, and is complete.
    return { all: existsSync(join(root, 'node_modules/.modules.yaml')) }
  }
}
