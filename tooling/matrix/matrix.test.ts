import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Cell, type Evidence, renderMatrix, type Row, type RunResult, unproven } from './claims.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const readJson = <T>(path: string): T => JSON.parse(read(path)) as T

const { rows } = readJson<{ readonly rows: readonly Row[] }>('tooling/matrix/matrix.json')
const results = readJson<readonly RunResult[]>('tooling/matrix/results.json')
const golden = readJson<{ readonly prompts: readonly [{ readonly greedy: readonly number[] }] }>(
  'packages/tiny-model/model/golden.json',
).prompts[0].greedy
const evidence: Evidence = {
  results,
  golden,
  read: (path) => (existsSync(new URL(path, root)) ? read(path) : undefined),
}

test('README.md shows the table of matrix.json', () => {
  const section = /\n## Where it runs\n([\s\S]*?)\n## /.exec(read('README.md'))?.[1]
  expect(
    section
      ?.split('\n')
      .filter((line) => line.startsWith('|'))
      .join('\n'),
  ).toBe(renderMatrix(rows))
})

test('a run or a named test proves every cell', () => {
  expect(unproven(rows, evidence)).toEqual([])
})

test('every run is in the table, so that no failure is left out', () => {
  const shown = rows.flatMap(({ wasm, webgpu }) => [...(wasm.runs ?? []), ...(webgpu.runs ?? [])])
  expect(results.map(({ runtime, run }) => `${runtime}/${run}`).filter((id) => !shown.includes(id))).toEqual([])
})

/** Those of the machine, as its system has them. */
const unpinned = ['firefox', 'webkit']

test('the runs were on the versions that are pinned', () => {
  const { dependencies } = readJson<{ readonly dependencies: Readonly<Record<string, string>> }>(
    'tooling/matrix/runtimes/package.json',
  )
  const chromium = /^ *(['"]?)@sparticuz\/chromium\1: (\d+)\./m.exec(read('pnpm-workspace.yaml'))?.[2]
  const pinned = Object.entries(dependencies).map(
    ([name, specifier]) => `${name} ${specifier.slice(specifier.lastIndexOf('@') + 1)}`,
  )
  const ran = results
    .filter(({ runtime }) => !unpinned.includes(runtime))
    .map(({ runtime, version }) => `${runtime} ${runtime === 'chromium' ? version.split('.')[0] : version}`)
  expect([...new Set(ran)].sort()).toEqual([...pinned, `chromium ${chromium}`].sort())
})

describe('a claim without proof is found', () => {
  const ok: RunResult = {
    runtime: 'x',
    version: '3.1.0',
    run: 'webgpu',
    ok: true,
    tokens: golden.slice(0, 16),
    shaderF16: true,
  }
  const failed: RunResult = {
    runtime: 'x',
    version: '3.1.0',
    run: 'own-webgpu',
    ok: false,
    reason: 'Error: nothing here',
  }
  const file = `it('adds', () => {})
it.skip('turned off', () => {})
test.each([1, 2])('counts %s', () => {})
test(
  'subtracts',
  () => {},
)
describe('a group', () => {
  test.each<[number, string]>([
    [1, 'a'],

    [2, 'b'],
  ])('multiplies %s', () => {})
  it.for([
    1,
  ])(
    'divides %s',
    () => {},
  )
  it.skip.each([
    1,
  ])('turned off in lines', () => {})
})
`
  const check = (webgpu: Cell, changed: Partial<RunResult> = {}, version = '3'): readonly string[] =>
    unproven([{ name: 'X', version, wasm: { claim: 'untested' }, webgpu }], {
      results: [{ ...ok, ...changed }, failed],
      golden,
      read: (path) => (path === 'a.test.ts' ? file : undefined),
    })
  const tested = { claim: 'tested', runs: ['x/webgpu'] }
  const named = (name: string, path = 'a.test.ts'): Cell => ({ claim: 'tested', tests: [{ file: path, name }] })

  test.each<[string, Cell]>([
    ['a run', tested],
    ['a failed run', { claim: 'no: nothing here', runs: ['x/own-webgpu'] }],
    ['a test', named('adds')],
    ['a parametrized test', named('counts')],
    ['a test whose title is on the next line', named('subtracts')],
    ['a test with a table of many lines', named('multiplies')],
    ['a test with both', named('divides')],
    ['nothing to prove', { claim: 'untested' }],
  ])('but not where %s proves it', (_, cell) => {
    expect(check(cell)).toEqual([])
  })

  test.each<[string, Cell, Partial<RunResult>?, string?]>([
    ['neither a run nor a test', { claim: 'tested' }],
    ['no run', { claim: 'tested', runs: ['x/missing'] }],
    ['not one of webgpu', { claim: 'tested', runs: ['x/wasm-1'] }, { run: 'wasm-1' }],
    ['failed: Error: nothing here', { claim: 'tested', runs: ['x/own-webgpu'] }],
    ['does not fail', { claim: 'no: nothing here', runs: ['x/webgpu'] }],
    ['does not fail', { claim: 'no: another reason', runs: ['x/own-webgpu'] }],
    ['other tokens', tested, { tokens: [...golden.slice(0, 15), -1] }],
    ['other tokens', tested, { tokens: golden.slice(0, 15) }],
    ['version 3.1.0', tested, {}, '31'],
    ['shaderF16 true, not false', { ...tested, expect: { shaderF16: false } }],
    ['no test "turned off"', named('turned off')],
    ['no test "turned off in lines"', named('turned off in lines')],
    ['no test "adds"', named('adds', 'b.test.ts')],
    ['it is not so', { claim: 'untested', runs: ['x/webgpu'] }],
    ['a claim is', { claim: 'works', runs: ['x/webgpu'] }],
  ])('%s', (why, cell, changed, version) => {
    expect(check(cell, changed, version)).toEqual([expect.stringContaining(why)])
  })

  test('a run that got fewer threads than its name says', () => {
    const row: Row = { name: 'X', wasm: { claim: 'tested', runs: ['x/wasm-2'] }, webgpu: { claim: 'untested' } }
    const check = (threads: number): readonly string[] =>
      unproven([row], { results: [{ ...ok, run: 'wasm-2', threads }], golden, read: () => undefined })
    expect([check(1), check(2)]).toEqual([['X, wasm, "tested": the run x/wasm-2 says threads 1, not 2'], []])
  })
})
