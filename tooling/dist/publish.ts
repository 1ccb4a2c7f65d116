import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'
import { eachOfTwo, execute, mustExecute, root } from './command.ts'

/** A package as it would be published: its tarball, unpacked. */
export interface Published {
  readonly name: string
  /** Folder of the sources, relative to the repository. */
  readonly folder: string
  /** Output of its failed build; such a package is not packed. */
  readonly buildFailure?: string | undefined
  /** Folder of the unpacked tarball. */
  readonly unpacked: string
  readonly manifest: PublishedManifest
}

export interface PublishedManifest {
  readonly name: string
  readonly version: string
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Source {
  readonly folder: string
  readonly manifest: PublishedManifest & {
    readonly private?: boolean
    readonly scripts?: Readonly<Record<string, string>>
  }
}

/**
 * Copies the workspace to `workplace`, so that users of dist are not disturbed, runs each package's own build there,
 * and packs public packages with pnpm, which substitutes versions for `workspace:` and `catalog:`.
 */
export async function publishAll(workplace: string): Promise<Published[]> {
  const copy = join(workplace, 'workspace')
  mkdirSync(copy, { recursive: true })
  for (const file of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', 'LICENSE'])
    cpSync(join(root, file), join(copy, file))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
  const foldersOf = (kind: string) =>
    readdirSync(join(root, kind))
      .map((name) => `${kind}/${name}`)
      .filter((folder) => existsSync(join(root, folder, 'package.json')))
  const sources = [...foldersOf('packages'), ...foldersOf('apps')].map(readSource)
  const published = sources.filter(({ manifest }) => !manifest.private)
  for (const folder of [...sources.map((source) => source.folder), ...foldersOf('tooling')])
    copyFolder(join(root, folder), join(copy, folder))

  const failures = new Map<string, string>()
  for (const batch of inOrder(published)) {
    await eachOfTwo(batch, async ({ folder, manifest }) => {
      const { code, stdout, stderr } = await execute(manifest.scripts?.['build'] ?? 'false', [], {
        cwd: join(copy, folder),
        shell: true,
      })
      if (code !== 0)
        failures.set(manifest.name, `${manifest.scripts?.['build']} ended with ${code}:\n${stdout}\n${stderr}`)
    })
  }

  const tarballs = join(workplace, 'tarballs')
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly packageManager: string
  }
  const filters = published
    .filter(({ manifest }) => !failures.has(manifest.name))
    .flatMap(({ manifest }) => ['--filter', manifest.name])
  const pack = [
    '--yes',
    '--prefer-offline',
    packageManager,
    '--recursive',
    ...filters,
    'pack',
    '--pack-destination',
    tarballs,
  ]
  await mustExecute('npx', pack, { cwd: copy, shell: process.platform === 'win32' })

  const unpackedAll: Published[] = []
  for (const { folder, manifest } of published) {
    const unpacked = join(workplace, 'unpacked', manifest.name)
    const buildFailure = failures.get(manifest.name)
    if (buildFailure !== undefined) {
      unpackedAll.push({ name: manifest.name, folder, unpacked, manifest, buildFailure })
      continue
    }
    mkdirSync(unpacked, { recursive: true })
    const tarball = join(tarballs, `${manifest.name.replace('@', '').replace('/', '-')}-${manifest.version}.tgz`)
    await mustExecute('tar', ['-xzf', tarball, '--strip-components=1', '-C', unpacked], { cwd: workplace })
    unpackedAll.push({
      name: manifest.name,
      folder,
      unpacked,
      manifest: JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')) as PublishedManifest,
    })
  }
  return unpackedAll
}

function readSource(folder: string): Source {
  return {
    folder,
    manifest: JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Source['manifest'],
  }
}

/** Copies sources. Relative links stay as they are, so that workspace packages are those of the copy. */
function copyFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const name of readdirSync(from)) {
    if (['dist', '.turbo', '.cache'].includes(name)) continue
    const source = join(from, name)
    const target = join(to, name)
    const kind = lstatSync(source)
    if (kind.isSymbolicLink()) symlinkSync(readlinkSync(source), target, 'junction')
    else if (kind.isDirectory()) copyFolder(source, target)
    else cpSync(source, target)
  }
}

/** Batches whose members need only earlier batches. */
function inOrder(sources: readonly Source[]): Source[][] {
  const waiting = new Set(sources)
  const batches: Source[][] = []
  while (waiting.size > 0) {
    const names = new Set([...waiting].map(({ manifest }) => manifest.name))
    const ready = [...waiting].filter(({ manifest }) =>
      Object.keys(manifest.dependencies ?? {}).every((name) => !names.has(name) || name === manifest.name),
    )
    if (ready.length === 0) throw new Error(`The packages ${[...names].join(', ')} depend on each other in a circle`)
    batches.push(ready)
    for (const source of ready) waiting.delete(source)
  }
  return batches
}

/** Every published package that one needs, itself included. */
export function closureOf(name: string, all: readonly Published[]): Published[] {
  const seen = new Map<string, Published>()
  const visit = (wanted: string): void => {
    const found = all.find((other) => other.name === wanted)
    if (!found || seen.has(wanted)) return
    seen.set(wanted, found)
    for (const dependency of Object.keys(found.manifest.dependencies ?? {})) visit(dependency)
  }
  visit(name)
  return [...seen.values()]
}

/**
 * A project in `folder` with one package installed from its tarball, along with what its manifest names and nothing
 * else.
 */
export function installAlone(name: string, all: readonly Published[], folder: string): void {
  const modules = join(folder, 'node_modules')
  for (const pkg of closureOf(name, all)) {
    if (pkg.buildFailure !== undefined) continue
    mkdirSync(join(modules, pkg.name), { recursive: true })
    cpSync(pkg.unpacked, join(modules, pkg.name), { recursive: true })
    for (const dependency of Object.keys({ ...pkg.manifest.dependencies, ...pkg.manifest.optionalDependencies })) {
      if (dependency.startsWith('@tessera-llm/') || existsSync(join(modules, dependency))) continue
      const installed = join(root, pkg.folder, 'node_modules', dependency)
      if (!existsSync(installed)) continue
      mkdirSync(join(modules, dependency, '..'), { recursive: true })
      symlinkSync(installed, join(modules, dependency), 'junction')
    }
  }
}

/** Importable names of a package, such as `@tessera-llm/kernels/wasm`. */
export function entriesOf({ name, manifest }: Published): string[] {
  return Object.keys(manifest.exports ?? {})
    .filter((entry) => entry !== './package.json')
    .map((entry) => `${name}${entry.slice(1)}`)
}

/** The files of an unpacked package, relative to it. */
export function filesOf({ unpacked }: Published): string[] {
  return readdirSync(unpacked, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(unpacked, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
}
