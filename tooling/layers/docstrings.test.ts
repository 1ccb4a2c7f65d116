import { join } from 'node:path'
import { expect, test } from 'vitest'
import { publicNames } from './docstrings.ts'
import { readWorkspace } from './workspace.ts'

const undocumented = (files: Record<string, string>): string[] =>
  publicNames({
    folder: 'packages/tensor',
    manifest: { name: '@tessera-llm/tensor', exports: { '.': { '@tessera-llm/source': './src/index.ts' } } },
    files: new Map(Object.entries(files)),
  })
    .filter(({ isDocumented }) => !isDocumented)
    .map(({ name, where }) => `${name} ${where}`)

test('every function, class, constant and type that a package exports has a docstring', () => {
  const packages = readWorkspace(join(import.meta.dirname, '../..')).filter(({ folder }) =>
    folder.startsWith('packages/'),
  )
  const names = packages.flatMap((pkg) => publicNames(pkg).map((name) => ({ ...name, folder: pkg.folder })))
  expect(names.length).toBeGreaterThan(700)
  expect(
    names.filter(({ isDocumented }) => !isDocumented).map(({ folder, where, name }) => `${folder}/${where}: ${name}`),
  ).toEqual([])
})

test('names are followed through lists and through whole files', () => {
  const files = {
    'src/index.ts': `export * from './all.ts'\nexport { two as other, type Kind, type Part as Piece } from './some.ts'\n`,
    'src/all.ts':
      'export function one(): void {}\n/** Documented. */\nexport async function done(): Promise<void> {}\n',
    'src/some.ts':
      'export const two = 2\nexport type Kind = string\n/** Documented. */\nexport interface Part {}\nexport const hidden = 3\nexport type Other = 1\n',
  }
  expect(undocumented(files)).toEqual(['one src/all.ts:1', 'two src/some.ts:1', 'Kind src/some.ts:2'])
})

test('the first overload counts, and a line comment is no docstring', () => {
  const overloads = 'export function f(a: number): void\n/** Late. */\nexport function f(a: string): void\n'
  expect(undocumented({ 'src/index.ts': overloads })).toEqual(['f src/index.ts:1'])
  expect(undocumented({ 'src/index.ts': `/**\n * Early.\n */\n${overloads}` })).toEqual([])
  expect(undocumented({ 'src/index.ts': '// A note.\nexport class C {}\n' })).toEqual(['C src/index.ts:2'])
})
