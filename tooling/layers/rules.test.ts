import { describe, expect, test } from 'vitest'
import { checkWorkspace, forbidden, type Layers } from './rules.ts'
import type { Manifest, Package } from './workspace.ts'

const layers: Layers = {
  order: [
    { name: '@tessera-llm/tensor', only: [] },
    { name: '@tessera-llm/testing', only: ['@tessera-llm/tensor'], testsOnly: true },
    { name: '@tessera-llm/formats', only: ['@tessera-llm/tensor'] },
    { name: '@tessera-llm/kernels' },
    { name: '@tessera-llm/attention', group: 'technique' },
    { name: '@tessera-llm/quantization', group: 'technique' },
    { name: '@tessera-app/demo', group: 'app' },
    { name: '@tessera-app/bench', group: 'app' },
  ],
  unused: [],
  maximumLines: 20,
}

const all: Record<string, string> = Object.fromEntries(layers.order.map(({ name }) => [name, 'workspace:^']))

/** A package with one browser entry and one for Node, which imports what its files import. */
function pkg(name: string, files: Record<string, string>, manifest: Partial<Manifest> = {}): Package {
  const exports = {
    '.': { '@tessera-llm/source': './src/index.ts' },
    './node': { '@tessera-llm/source': './src/node.ts' },
  }
  const imported = Object.values(files).flatMap((text) =>
    [...text.matchAll(/'(@tessera-[^/']+\/[^/']+)/g)].map((match) => match[1] as string),
  )
  const dependencies = Object.fromEntries(
    Object.entries(all).filter(([other]) => other !== name && imported.includes(other)),
  )
  return {
    folder: `${name.includes('-app') ? 'apps' : 'packages'}/${name.split('/')[1]}`,
    manifest: { name, exports, dependencies, ...manifest },
    files: new Map(Object.entries(files)),
  }
}

const broken = (...packages: Package[]) =>
  checkWorkspace(packages, layers).map(({ rule, where }) => `${rule} | ${where}`)
const tensor = pkg('@tessera-llm/tensor', { 'src/index.ts': 'export const one = 1\n' })

describe('a good workspace', () => {
  test('breaks no rule', () => {
    const kernels = pkg('@tessera-llm/kernels', {
      'src/index.ts': `// import './x.ts'\nimport { one } from '@tessera-llm/tensor'\nexport * from './two.ts'\n\nexport const three = one + 2\n`,
      'src/two.ts': `/* export default 2 */\nexport const script = \`\nimport 'node:fs'\nrun(\${{ a: 1 }.a})\n\`\nexport type Two =\n  | 2\n`,
      'src/node.ts': `import { join } from 'node:path'\n\nexport const path = join('a', 'b')\n`,
      'src/two.test.ts': `import { test } from 'vitest'\nimport { three } from './index.ts'\n\ntest('three', () => three)\n`,
    })
    expect(broken(tensor, kernels)).toEqual([])
  })
})

describe('layers', () => {
  test.each([
    ['a package below', '@tessera-llm/kernels', '@tessera-llm/attention', /not above/],
    ['another technique', '@tessera-llm/quantization', '@tessera-llm/attention', /group technique/],
    ['another app', '@tessera-app/bench', '@tessera-app/demo', /group app/],
    ['more than `only` allows', '@tessera-llm/formats', '@tessera-llm/testing', /for tests only/],
    ['anything, for tensor', '@tessera-llm/tensor', '@tessera-llm/kernels', /not above/],
    ['an unlisted package', '@tessera-llm/kernels', '@tessera-llm/new', /not in tooling\/layers/],
    ['from an unlisted package', '@tessera-llm/new', '@tessera-llm/tensor', /not in tooling\/layers/],
    ['tooling', '@tessera-llm/kernels', '@tessera-tooling/vitest', /tests and builds only/],
  ])('refuse %s', (_, from, to, reason) => {
    expect(forbidden(from, to, layers, false)).toMatch(reason)
  })

  test('`only` narrows the order', () => {
    const narrow: Layers = {
      ...layers,
      order: layers.order.map((layer) =>
        layer.name === '@tessera-llm/attention' ? { ...layer, only: ['@tessera-llm/tensor'] } : layer,
      ),
    }
    expect(forbidden('@tessera-llm/attention', '@tessera-llm/kernels', narrow, false)).toMatch(
      /may import only @tessera-llm\/tensor/,
    )
    expect(forbidden('@tessera-llm/attention', '@tessera-llm/kernels', narrow, true)).toBeUndefined()
  })

  test('tests may take the packages for tests, and techniques above', () => {
    expect(forbidden('@tessera-llm/quantization', '@tessera-llm/attention', layers, true)).toBeUndefined()
    expect(forbidden('@tessera-llm/kernels', '@tessera-llm/testing', layers, true)).toBeUndefined()
    expect(forbidden('@tessera-llm/kernels', '@tessera-tooling/swiftshader', layers, true)).toBeUndefined()
    expect(forbidden('@tessera-llm/kernels', '@tessera-llm/attention', layers, true)).toMatch(/not above/)
  })

  test('are checked in imports of every form, with file and line, and in package.json', () => {
    const forms = [
      `import { a } from '@tessera-llm/attention'`,
      `import type { A } from '@tessera-llm/attention'`,
      `export * from '@tessera-llm/attention/wasm'`,
      `import {\n  a,\n} from '@tessera-llm/attention'`,
      `const a = () => import('@tessera-llm/attention')`,
    ]
    for (const form of forms) {
      expect(broken(tensor, pkg('@tessera-llm/kernels', { 'src/index.ts': `${form}\n` })), form).toEqual([
        'layers | packages/kernels/package.json',
        'layers | packages/kernels/src/index.ts:1',
      ])
    }
  })
})

describe('manifests', () => {
  const source = {
    'src/index.ts': `import { one } from '@tessera-llm/tensor'\nimport { z } from 'zod'\n\nexport const two = one + z\n`,
  }
  test('declare what is imported', () => {
    expect(
      broken(pkg('@tessera-llm/kernels', source, { dependencies: {}, devDependencies: { zod: 'catalog:' } })),
    ).toEqual(['declared | packages/kernels/src/index.ts:1', 'declared | packages/kernels/src/index.ts:2'])
  })
  test('declare nothing else', () => {
    const manifest = { dependencies: { '@tessera-llm/tensor': 'workspace:^', zod: 'catalog:', yargs: 'catalog:' } }
    expect(broken(pkg('@tessera-llm/kernels', source, manifest))).toEqual(['used | packages/kernels/package.json'])
    const excuse = { package: '@tessera-llm/kernels', dependency: 'yargs', reason: 'because' }
    expect(checkWorkspace([pkg('@tessera-llm/kernels', source, manifest)], { ...layers, unused: [excuse] })).toEqual([])
    expect(
      checkWorkspace([pkg('@tessera-llm/kernels', source, manifest)], {
        ...layers,
        unused: [excuse, { ...excuse, dependency: 'zod' }],
      }),
    ).toMatchObject([{ rule: 'used', what: /now/ }])
  })
  test('take versions from the catalog and the workspace', () => {
    expect(
      broken(pkg('@tessera-llm/kernels', source, { dependencies: { '@tessera-llm/tensor': '^1.0.0', zod: '^3.0.0' } })),
    ).toEqual(['one version | packages/kernels/package.json', 'one version | packages/kernels/package.json'])
  })
})

describe('modules', () => {
  const found = (text: string, path = 'src/index.ts') => broken(tensor, pkg('@tessera-llm/kernels', { [path]: text }))
  test('have no default export', () => {
    for (const text of [
      'export default 1\n',
      'export default function a() {}\n',
      'const a = 1\nexport { a as default }\n',
    ])
      expect(found(text), text).toContain('no default export | packages/kernels/src/index.ts')
  })
  test('do nothing when they are imported', () => {
    expect(found(`import './polyfill.ts'\n`)).toEqual(['no import side effects | packages/kernels/src/index.ts:1'])
    for (const text of [
      'register(1)\n',
      'for (const a of []) use(a)\n',
      'globalThis.a = 1\n',
      'await ready\n',
      'if (a) b()\n',
    ])
      expect(found(text), text).toEqual(['no import side effects | packages/kernels/src/index.ts'])
  })
  test('may declare over many lines', () => {
    for (const text of [
      'export function a<\n  T,\n>(t: T): T {\n  return t\n}\n',
      'export type A = Pick<\n  B,\n  C\n> & { readonly d: 1 }\n',
      'export const a: Map<\n  B,\n  C\n> = new Map()\n',
      'export type A =\n  | 1\n  | 2\n',
    ])
      expect(found(text), text).toEqual([])
    expect(found('register<\n  A,\n  B\n>(1)\n')).toEqual(['no import side effects | packages/kernels/src/index.ts'])
  })
  test('stay within their package and away from tests', () => {
    expect(found(`import { a } from '../../tensor/src/index.ts'\n`)).toEqual([
      'own folder | packages/kernels/src/index.ts:1',
    ])
    expect(found(`import { a } from '@tessera-llm/kernels'\n`)).toContain(
      'own folder | packages/kernels/src/index.ts:1',
    )
    expect(
      broken(
        pkg('@tessera-llm/kernels', {
          'src/index.ts': `import { a } from '../test/help.ts'\n`,
          'test/help.ts': 'export const a = 1\n',
        }),
      ),
    ).toEqual(['tests stay out | packages/kernels/src/index.ts:1'])
  })
  test('are short; tests may be longer', () => {
    const long = 'const a = 1\n'.repeat(21)
    expect(found(long)).toEqual(['at most 20 lines | packages/kernels/src/index.ts'])
    expect(found(long, 'src/index.test.ts')).toEqual([])
    expect(found(long, 'src/a.wgsl')).toEqual(['at most 20 lines | packages/kernels/src/a.wgsl'])
    expect(found(long, 'assembly/a.ts')).toEqual(['at most 20 lines | packages/kernels/assembly/a.ts'])
  })
})

describe('browser entries', () => {
  test('reach no Node module, however far away; the entry for Node may', () => {
    const files = {
      'src/index.ts': `export * from './deep.ts'\n`,
      'src/deep.ts': `import { open } from 'node:fs/promises'\n\nexport const o = open\n`,
      'src/node.ts': `export * from './deep.ts'\n`,
    }
    const formats = pkg('@tessera-llm/formats', files)
    const kernels = pkg('@tessera-llm/kernels', {
      'src/index.ts': `import { o } from '@tessera-llm/formats'\n\nexport const p = o\n`,
    })
    expect(broken(formats, kernels)).toEqual([
      'no node: in browsers | packages/formats/src/deep.ts:1',
      'no node: in browsers | packages/formats/src/deep.ts:1',
    ])
    expect(checkWorkspace([formats, kernels], layers)[1]?.what).toContain(
      'reached from @tessera-llm/kernels "." by @tessera-llm/kernels/src/index.ts → @tessera-llm/formats/src/index.ts → @tessera-llm/formats/src/deep.ts',
    )
    expect(broken(pkg('@tessera-llm/formats', { ...files, 'src/index.ts': 'export const a = 1\n' }))).toEqual([])
  })
})
