import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

const run = (file: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, file), ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  return { status, output: stdout + stderr }
}

test('every file keeps biome.json and its layout, warnings included', () => {
  const biome = 'node_modules/@biomejs/biome/bin/biome'
  const { status, output } = run(biome, 'check', '--error-on-warnings', '--colors=off')
  expect(status, output).toBe(0)
  expect(output).toMatch(/Checked \d{3,} files/)
})

test('every file of AssemblyScript keeps the layout of biome.json', () => {
  const { status, output } = run('tooling/assembly/format.mjs', '--check')
  expect(status, output).toBe(0)
  expect(output).toMatch(/\d{2,} files of AssemblyScript, 0 not formatted/)
})
