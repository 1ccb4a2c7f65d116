import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkWorkspace, type Layers } from './rules.ts'
import { readWorkspace } from './workspace.ts'

const root = join(import.meta.dirname, '../..')
const layers = JSON.parse(readFileSync(join(import.meta.dirname, 'layers.json'), 'utf8')) as Layers

test('every package keeps the layers and the rules of modules', () => {
  const packages = readWorkspace(root)
  expect(packages.length).toBeGreaterThan(10)
  const violations = checkWorkspace(packages, layers)
  expect(violations.map(({ rule, where, what }) => `${where}: ${rule}: ${what}`)).toEqual([])
})
