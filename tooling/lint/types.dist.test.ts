import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const folders = ['packages', 'apps', 'tooling']
  .flatMap((kind) => readdirSync(join(root, kind)).map((name) => `${kind}/${name}`))
  .filter((folder) => existsSync(join(root, folder, 'tsconfig.json')))

describe('the types of sources and tests hold', () => {
  test.each(folders)('%s', async (folder) => {
    const child = spawn(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json', '--noEmit', '--pretty', 'false'],
      { cwd: join(root, folder), stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let said = ''
    child.stdout.on('data', (data) => (said += String(data)))
    const [code] = (await once(child, 'close')) as [number | null]
    expect(code, said).toBe(0)
  })
})
