import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tessera-format-test-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function format(text: string, ...options: string[]) {
  const file = join(folder, 'kernel.ts')
  writeFileSync(file, text)
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, 'format.mjs'), ...options, file])
  return { status, text: readFileSync(file, 'utf8') }
}

const ragged = `/** Twice x. */
@inline export function twice(x: v128): v128 { return f32x4.add(x,
  x); }

@unsafe
function half(address: usize): f32 { return load<f32>(address, 4) * <f32>0.5 }
`

const formatted = `/** Twice x. */
@inline
export function twice(x: v128): v128 {
  return f32x4.add(x, x)
}

@unsafe
function half(address: usize): f32 {
  return load<f32>(address, 4) * <f32>0.5
}
`

test('decorators of functions survive, each on a line of its own', () => {
  expect(format(ragged)).toEqual({ status: 0, text: formatted })
  expect(format(formatted)).toEqual({ status: 0, text: formatted })
})

test('a check fails and writes nothing where a file would change', () => {
  expect(format(ragged, '--check')).toEqual({ status: 1, text: ragged })
  expect(format(formatted, '--check')).toEqual({ status: 0, text: formatted })
})

test('a source that does not parse is left alone', () => {
  const broken = 'export function twice(x: v128 {\n'
  expect(format(broken)).toEqual({ status: 1, text: broken })
})
