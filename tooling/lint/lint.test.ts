import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

test('every file keeps biome.json, warnings included', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'lint', '--error-on-warnings', '--colors=off'],
    { cwd: root, encoding: 'utf8' },
  )
  expect(status, `${stdout}${stderr}`).toBe(0)
  expect(stdout + stderr).toMatch(/Checked \d{3,} files/)
})
