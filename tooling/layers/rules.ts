import { posix } from 'node:path'
import { type Module, scanModule } from './scan.ts'
import type { Manifest, Package } from './workspace.ts'

export interface Layers {
  readonly order: readonly Layer[]
  /** Dependencies that no module imports, with the reason. An entry that no longer holds is itself a violation. */
  readonly unused: readonly { readonly package: string; readonly dependency: string; readonly reason: string }[]
  readonly maximumLines: number
}

export interface Layer {
  readonly name: string
  /** Restricts "everything above". */
  readonly only?: readonly string[]
  /** Members of one group do not import each other. */
  readonly group?: string
  /** Whether only tests may import it. */
  readonly testsOnly?: boolean
}

/** A broken rule: `where` is a file with its line, `what` the import or statement. */
export interface Violation {
  readonly rule: string
  readonly where: string
  readonly what: string
}

const tooling = '@tessera-tooling/'
const isTest = (path: string) => /\.(test|bench)\.ts$/.test(path) || /(^|\/)test\//.test(path)
const isModule = (path: string) => /\.(ts|mts|js|mjs)$/.test(path) && !path.startsWith('assembly/')
const isConfig = (path: string) => /^[^/]+\.config\.ts$/.test(path)
const packageOf = (specifier: string) =>
  (specifier.startsWith('@') ? specifier.split('/').slice(0, 2) : specifier.split('/').slice(0, 1)).join('/')

/** Checks a whole workspace; returns an empty list if every rule is kept. */
export function checkWorkspace(packages: readonly Package[], layers: Layers): Violation[] {
  const scanned = new Map(
    packages.map((pkg) => [
      pkg.manifest.name,
      new Map(
        [...pkg.files]
          .filter(([path]) => isModule(path) && !isConfig(path))
          .map(([path, text]) => [path, scanModule(text)]),
      ),
    ]),
  )
  return packages.flatMap((pkg) => {
    const modules = scanned.get(pkg.manifest.name) as Map<string, Module>
    return [
      ...checkManifest(pkg, layers),
      ...checkImports(pkg, modules, layers),
      ...checkModules(pkg, modules),
      ...checkBrowserEntries(pkg, packages, scanned),
      ...checkLengths(pkg, layers),
    ]
  })
}

/** The reason why `from` must not import `to`, or undefined if it may. */
export function forbidden(from: string, to: string, layers: Layers, inTest: boolean): string | undefined {
  const layer = layers.order.find(({ name }) => name === from)
  const target = layers.order.find(({ name }) => name === to)
  if (to.startsWith(tooling)) return inTest || layer?.group === 'app' ? undefined : `${to} is for tests and builds only`
  if (!layer) return `${from} is not in tooling/layers/layers.json; add it in its place of the order`
  if (!target) return `${to} is not in tooling/layers/layers.json; add it in its place of the order`
  if (target.testsOnly && !inTest) return `${to} is for tests only`
  if (layers.order.indexOf(target) >= layers.order.indexOf(layer))
    return `${to} is not above ${from} in the order of layers`
  if (inTest) return undefined
  if (layer.only && !layer.only.includes(to)) return `${from} may import only ${layer.only.join(', ') || 'nothing'}`
  if (layer.group !== undefined && layer.group === target.group)
    return `${from} and ${to} are both of the group ${layer.group}, whose members do not import each other`
  return undefined
}

function checkManifest({ folder, manifest }: Package, layers: Layers): Violation[] {
  const where = `${folder}/package.json`
  const found: Violation[] = []
  const groups = [
    manifest.dependencies,
    manifest.optionalDependencies,
    manifest.peerDependencies,
    manifest.devDependencies,
  ]
  for (const [index, group] of groups.entries()) {
    for (const [name, range] of Object.entries(group ?? {})) {
      const isOurs = name.startsWith('@tessera-')
      if (isOurs) {
        const reason = forbidden(manifest.name, name, layers, index === 3)
        if (reason) found.push({ rule: 'layers', where, what: reason })
      }
      const protocol = isOurs ? 'workspace:' : 'catalog:'
      if (group !== manifest.peerDependencies && !range.startsWith(protocol))
        found.push({ rule: 'one version', where, what: `${name}: ${range} must be ${protocol}…` })
    }
  }
  return found
}

function checkImports(
  { folder, manifest, files }: Package,
  modules: ReadonlyMap<string, Module>,
  layers: Layers,
): Violation[] {
  const found: Violation[] = []
  const isForTests = layers.order.some(({ name, testsOnly }) => name === manifest.name && testsOnly === true)
  const shipped = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
    ...(isForTests ? sharedByRoot : {}),
  }
  const unused = new Set(folder.startsWith('packages/') ? Object.keys(manifest.dependencies ?? {}) : [])
  for (const [path, module] of modules) {
    const inTest = isTest(path)
    for (const { specifier, line } of module.imports) {
      const where = `${folder}/${path}:${line}`
      if (specifier.startsWith('.')) {
        const target = posix.join(posix.dirname(path), specifier)
        if (target.startsWith('..') && !inTest)
          found.push({
            rule: 'own folder',
            where,
            what: `${specifier} leaves the package; import it by its package name`,
          })
        if (isTest(target) && !inTest && files.has(target))
          found.push({ rule: 'tests stay out', where, what: `${specifier} is a test` })
        continue
      }
      if (specifier.startsWith('node:')) continue
      const to = packageOf(specifier)
      if (!inTest) unused.delete(to)
      if (to === manifest.name) {
        if (!inTest)
          found.push({ rule: 'own folder', where, what: `${specifier} is this package itself; import the file` })
        continue
      }
      const reason = to.startsWith('@tessera-') ? forbidden(manifest.name, to, layers, inTest) : undefined
      if (reason) found.push({ rule: 'layers', where, what: `${specifier}: ${reason}` })
      const declared = inTest ? { ...shipped, ...manifest.devDependencies, ...sharedByRoot } : shipped
      if (!Object.hasOwn(declared, to))
        found.push({
          rule: 'declared',
          where,
          what: `${specifier} is not in the ${inTest ? 'devDependencies' : 'dependencies'} of package.json`,
        })
    }
  }
  const excused = layers.unused.filter((entry) => entry.package === manifest.name).map(({ dependency }) => dependency)
  for (const name of unused)
    if (!excused.includes(name))
      found.push({ rule: 'used', where: `${folder}/package.json`, what: `no module imports the dependency ${name}` })
  for (const name of excused)
    if (!unused.has(name))
      found.push({
        rule: 'used',
        where: 'tooling/layers/layers.json',
        what: `${manifest.name} uses ${name} now: take the entry out of unused`,
      })
  return found
}

/** Dependencies from the root that every package's tests may use. */
const sharedByRoot = { vitest: '', 'fast-check': '', typescript: '' }

function checkModules({ folder, manifest }: Package, modules: ReadonlyMap<string, Module>): Violation[] {
  const isLibrary = folder.startsWith('packages/')
  return [...modules].flatMap(([path, { imports, effects, hasDefaultExport }]) => {
    const where = `${folder}/${path}`
    const found: Violation[] = []
    if (hasDefaultExport) found.push({ rule: 'no default export', where, what: `${manifest.name} exports by name` })
    if (isTest(path)) return found
    for (const { kind, specifier, line } of imports)
      if (kind === 'effect')
        found.push({ rule: 'no import side effects', where: `${where}:${line}`, what: `import '${specifier}'` })
    if (isLibrary)
      for (const effect of effects)
        found.push({
          rule: 'no import side effects',
          where,
          what: `a statement runs when the module is loaded, at line ${effect}`,
        })
    return found
  })
}

/** Follows every entry that browsers may load, through all packages, and finds the first path to a Node module. */
function checkBrowserEntries(
  pkg: Package,
  packages: readonly Package[],
  scanned: ReadonlyMap<string, ReadonlyMap<string, Module>>,
): Violation[] {
  if (!pkg.folder.startsWith('packages/')) return []
  const found: Violation[] = []
  for (const entry of Object.keys(pkg.manifest.exports ?? {})) {
    if (entry === './node' || entry === './package.json') continue
    const start = sourceOf(pkg.manifest, entry)
    if (start === undefined) continue
    const seen = new Set<string>()
    const visit = (name: string, path: string, way: readonly string[]): void => {
      const key = `${name}/${path}`
      const module = scanned.get(name)?.get(path)
      if (!module || seen.has(key)) return
      seen.add(key)
      for (const { specifier, line, kind } of module.imports) {
        if (kind === 'type' || kind === 'dynamic') continue
        if (specifier.startsWith('node:'))
          found.push({
            rule: 'no node: in browsers',
            where: `${folderOf(packages, name)}/${path}:${line}`,
            what: `${specifier}, reached from ${pkg.manifest.name} "${entry}" by ${[...way, key].join(' → ')}`,
          })
        else if (specifier.startsWith('.')) visit(name, posix.join(posix.dirname(path), specifier), [...way, key])
        else {
          const target = packages.find(({ manifest }) => manifest.name === packageOf(specifier))
          const source = target && sourceOf(target.manifest, `.${specifier.slice(packageOf(specifier).length)}`)
          if (target && source !== undefined) visit(target.manifest.name, source, [...way, key])
        }
      }
    }
    visit(pkg.manifest.name, start, [])
  }
  return found
}

const folderOf = (packages: readonly Package[], name: string) =>
  packages.find(({ manifest }) => manifest.name === name)?.folder ?? name

/** The source file of an export, relative to the package. */
function sourceOf(manifest: Manifest, entry: string): string | undefined {
  const target = manifest.exports?.[entry]
  const source = typeof target === 'object' ? target['@tessera-llm/source'] : undefined
  return source === undefined ? undefined : posix.normalize(source)
}

function checkLengths({ folder, files }: Package, { maximumLines }: Layers): Violation[] {
  return [...files].flatMap(([path, text]) => {
    const lines = text.split('\n').length - 1
    return isTest(path) || lines <= maximumLines
      ? []
      : [
          {
            rule: `at most ${maximumLines} lines`,
            where: `${folder}/${path}`,
            what: `${lines} lines; split it by what its parts do`,
          },
        ]
  })
}
