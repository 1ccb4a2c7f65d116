import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleForBrowsers } from './bundle.ts'
import { execute, root } from './command.ts'
import { closureOf, entriesOf, filesOf, installAlone, type Published, publishAll } from './publish.ts'

type Check = 'build' | 'readme' | 'contents' | 'node' | 'browser' | 'size' | 'types'

const read = <T>(name: string): T => JSON.parse(readFileSync(join(import.meta.dirname, name), 'utf8')) as T
const budgets = read<{ readonly gzipKilobytes: Readonly<Record<string, number>> }>('budgets.json').gzipKilobytes
/**
 * Checks that a package cannot pass yet, with reasons. A listed check that passes fails the test, so the list only
 * shrinks.
 */
const unfinished =
  read<readonly { readonly package: string; readonly check: Check; readonly reason: string }[]>('unfinished.json')

const names = [
  'tensor',
  'formats',
  'wasm',
  'webgpu',
  'kernels',
  'attention',
  'quantization',
  'runtime',
  'evaluation',
  'tiny-model',
  'optimize',
  'tessera',
  'cli',
].map((name) => `@tessera-llm/${name}`)
const libraries = names.filter((name) => name !== '@tessera-llm/cli')

const workplace = mkdtempSync(join(tmpdir(), 'tessera-dist-'))
const consumer = (name: string) => join(workplace, 'consumers', name.slice('@tessera-llm/'.length))
let all: Published[] = []
const published = (name: string): Published => {
  const found = all.find((pkg) => pkg.name === name)
  if (!found) throw new Error(`${name} is not among the published packages`)
  const broken = closureOf(name, all).filter(({ buildFailure }) => buildFailure !== undefined)
  if (broken.length > 0)
    throw new Error(broken.map((pkg) => `${pkg.name} did not build: ${pkg.buildFailure}`).join('\n'))
  return found
}

beforeAll(async () => {
  all = await publishAll(workplace)
  for (const name of names) {
    mkdirSync(consumer(name), { recursive: true })
    writeFileSync(
      join(consumer(name), 'package.json'),
      JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
    )
    installAlone(name, all, consumer(name))
  }
}, 180_000)
afterAll(() => rmSync(workplace, { recursive: true, force: true }))

/** One test per package, which must fail if the list of exceptions says so. */
function each(check: Check, of: readonly string[], work: (name: string) => Promise<void> | void): void {
  for (const name of of) {
    const entry = unfinished.find((item) => item.package === name && item.check === check)
    if (entry) test.fails(`${name} (unfinished: ${entry.reason})`, () => work(name))
    else test(name, () => work(name))
  }
}

test('every package that is not private is known here', () => {
  expect(all.map(({ name }) => name).sort()).toEqual([...names].sort())
})

describe('the checks see what they are for', () => {
  test('a Node module in a browser bundle', async () => {
    await expect(bundleForBrowsers(consumer('@tessera-llm/formats'), '@tessera-llm/formats/node')).rejects.toThrow(
      '__vite-browser-external',
    )
  })
  test('a package that is not declared, and what an import changes', async () => {
    const folder = consumer('@tessera-llm/tensor')
    const undeclared = await execute(
      process.execPath,
      ['--input-type=module', '-e', importer, '@tessera-llm/formats'],
      { cwd: folder },
    )
    expect(undeclared.stderr).toContain('ERR_MODULE_NOT_FOUND')
    writeFileSync(
      join(folder, 'effects.mjs'),
      `globalThis.left = 1\nprocess.on('SIGINT', () => {})\nsetInterval(() => {}, 10).unref()\nexport const a = 1\n`,
    )
    const { stdout } = await execute(process.execPath, ['--input-type=module', '-e', importer, './effects.mjs'], {
      cwd: folder,
    })
    expect(JSON.parse(stdout)).toMatchObject({ names: ['a'], globals: ['left'], listeners: ['SIGINT'] })
  })
  test('an export without its declaration', async () => {
    expect((await checkTypes('@tessera-llm/tensor', ['missing'])).join()).toContain('TS2339')
  })
})

describe('it builds as its package.json says', () => {
  each('build', names, (name) => {
    expect(all.find((pkg) => pkg.name === name)?.buildFailure).toBeUndefined()
  })
})

describe('the tarball holds a README', () => {
  each('readme', names, (name) => {
    expect(filesOf(published(name))).toContain('README.md')
  })
})

describe('the tarball holds its build and licence, and no sources or tests', () => {
  each('contents', names, (name) => {
    const files = filesOf(published(name))
    expect(files).toContain('LICENSE')
    expect(files.filter((file) => /(^|\/)(src|test|node_modules)\/|\.test\.|\.bench\.|tsbuildinfo/.test(file))).toEqual(
      [],
    )
    const manifest = readFileSync(join(published(name).unpacked, 'package.json'), 'utf8')
    expect(manifest).not.toMatch(/"(workspace|catalog):/)
    for (const target of Object.values(published(name).manifest.exports ?? {})) {
      if (typeof target === 'string') continue
      expect(existsSync(join(published(name).unpacked, target['types'] ?? '')), `${target['types']}`).toBe(true)
      expect(existsSync(join(published(name).unpacked, target['default'] ?? '')), `${target['default']}`).toBe(true)
    }
    // In a bundle there is no package.json nearby: a version must be a constant.
    for (const file of files.filter((file) => /^dist\/.*\.js$/.test(file)))
      expect(readFileSync(join(published(name).unpacked, file), 'utf8'), file).not.toContain('../package.json')
  })
})

/** Imports an entry in its own Node process and returns what that changed. */
const importer = `
const before = new Set(Object.getOwnPropertyNames(globalThis))
const events = ['uncaughtException', 'unhandledRejection', 'exit', 'warning', 'SIGINT']
const listeners = events.map((event) => process.listenerCount(event))
const active = async () => {
  await new Promise((resolve) => setTimeout(resolve, 20))
  return process.getActiveResourcesInfo().sort()
}
const resources = await active()
const api = await import(process.argv[1])
const later = await active()
console.log(JSON.stringify({
  names: Object.keys(api),
  globals: Object.getOwnPropertyNames(globalThis).filter((name) => !before.has(name)),
  listeners: events.filter((event, index) => process.listenerCount(event) !== listeners[index]),
  resources: later.join() === resources.join() ? [] : later,
}))`
const exported = new Map<string, readonly string[]>()

/**
 * Output of tsc for a strict project that uses every export of a package (and `more` of its main entry), by both
 * resolutions.
 */
async function checkTypes(name: string, more: readonly string[] = []): Promise<string[]> {
  const lines = entriesOf(published(name)).flatMap((entry, index) => {
    const keys = [...(exported.get(entry) ?? []), ...(index === 0 ? more : [])]
    return [
      `import * as api${index} from '${entry}'`,
      `export const used${index}: readonly unknown[] = [${keys.map((key) => `api${index}.${key}`).join(', ')}]`,
    ]
  })
  writeFileSync(join(consumer(name), 'consumer.ts'), `${lines.join('\n')}\n`)
  const said: string[] = []
  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['preserve', 'bundler'],
  ]) {
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'ES2023',
      lib: ['ES2023', 'DOM', 'DOM.Iterable'],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      noEmit: true,
    }
    writeFileSync(join(consumer(name), 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
    const { code, stdout } = await execute(
      process.execPath,
      [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.', '--pretty', 'false'],
      { cwd: consumer(name) },
    )
    if (code !== 0) said.push(stdout)
  }
  return said
}

describe('alone in a plain Node project, it is imported and changes nothing', () => {
  each('node', libraries, async (name) => {
    for (const entry of entriesOf(published(name))) {
      const { code, stdout, stderr } = await execute(process.execPath, ['--input-type=module', '-e', importer, entry], {
        cwd: consumer(name),
      })
      expect(`${entry}: ${stderr}`).toBe(`${entry}: `)
      expect(code).toBe(0)
      const { names: api, ...changes } = JSON.parse(stdout) as { readonly names: readonly string[] }
      expect(changes).toEqual({ globals: [], listeners: [], resources: [] })
      expect(api.length).toBeGreaterThan(0)
      exported.set(entry, api)
    }
  })
  each('node', ['@tessera-llm/cli'], async (name) => {
    const { bin } = published(name).manifest
    const { code, stdout } = await execute(
      process.execPath,
      [join(consumer(name), 'node_modules', name, bin?.['tessera'] ?? ''), '--help'],
      { cwd: consumer(name) },
    )
    expect(code).toBe(0)
    expect(stdout).toContain('tessera')
  })
})

describe('Vite bundles it for browsers, without Node modules', () => {
  each('browser', libraries, async (name) => {
    for (const entry of entriesOf(published(name)).filter((path) => !path.endsWith('/node'))) {
      const { code, warnings } = await bundleForBrowsers(consumer(name), entry)
      expect(warnings, entry).toEqual([])
      expect(code).not.toMatch(/(?:from|import\()\s*["']node:/)
    }
  })
})

describe('it keeps its size budget', () => {
  const sizes: string[] = []
  afterAll(() => console.log(sizes.join('\n')))
  each('size', libraries, async (name) => {
    for (const entry of entriesOf(published(name)).filter((path) => !path.endsWith('/node'))) {
      const others = closureOf(name, all)
        .map((pkg) => pkg.name)
        .filter((other) => other !== name)
      const { gzipBytes } = await bundleForBrowsers(consumer(name), entry, others)
      const budget = budgets[entry]
      const size = (gzipBytes / 1000).toFixed(2)
      sizes.push(`${entry.padEnd(36)} ${size.padStart(8)} kB of ${budget ?? 'no budget'}`)
      if (budget === undefined) throw new Error(`${entry} has no budget in tooling/dist/budgets.json; it is ${size} kB`)
      const excess = gzipBytes / 1000 - budget
      if (excess > 0)
        throw new Error(
          `${entry} is ${size} kB minified and gzipped, ${excess.toFixed(2)} kB above its budget of ${budget} kB; make it smaller, or raise the budget in tooling/dist/budgets.json and say why`,
        )
    }
  })
  test('and every budget is of an entry that exists', () => {
    expect(Object.keys(budgets).filter((entry) => !all.flatMap(entriesOf).includes(entry))).toEqual([])
  })
})

describe('its declarations are whole: a strict project without skipLibCheck uses every export', () => {
  each('types', libraries, async (name) => {
    const entries = entriesOf(published(name))
    for (const entry of entries) expect(exported.has(entry), `${entry} was imported by the test above`).toBe(true)
    expect(await checkTypes(name)).toEqual([])
  })
})
