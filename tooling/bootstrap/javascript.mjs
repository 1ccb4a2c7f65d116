// Builds the JavaScript of an app and of all packages that it needs, where it is stale; declarations are `build`'s
// business.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { inTurn } from './in-turn.mjs'
import { root, run } from './process.mjs'

const bundler = join(root, 'tooling/tsup/node_modules/tsup/dist/cli-default.js')

/** Ends the program where a package does not build. */
export async function buildJavaScript(app) {
  if (staleFor(app).length === 0) return
  mkdirSync(stamps, { recursive: true })
  // A build clears dist first: two programs that built at once would each find the other's files missing.
  const failed = await inTurn(join(stamps, 'lock'), () => build(staleFor(app)))
  if (failed.length > 0) {
    console.error(`These did not build: ${failed.join(', ')}`)
    process.exit(1)
  }
}

/** Returns what failed to build. */
async function build(stale) {
  if (stale.length > 0) console.error(`Building ${stale.length} ${stale.length === 1 ? 'package' : 'packages'} …`)
  const waiting = [...stale]
  const failed = []
  const worker = async () => {
    for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
      const inputs = hashInputs(folder)
      if ((await run(process.execPath, [bundler], { cwd: folder, quiet: true })) === 0)
        writeFileSync(stampOf(folder), `${inputs} ${listOutputs(folder)}`)
      else failed.push(relative(root, folder))
    }
  }
  await Promise.all([worker(), worker()])
  return failed
}

const staleFor = (app) => closure(app, readPackages()).filter((folder) => !isBuilt(folder))

function readPackages() {
  const folders = ['packages', 'apps'].flatMap((kind) =>
    readdirSync(join(root, kind)).map((name) => join(root, kind, name)),
  )
  const manifests = folders
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .map((folder) => [folder, JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))])
  return new Map(
    manifests.map(([folder, { name, dependencies = {} }]) => [
      name,
      { folder, dependencies: Object.keys(dependencies) },
    ]),
  )
}

/** The folders of a package and of everything that it depends on within the workspace. */
function closure(app, packages) {
  const seen = new Set()
  const visit = (name) => {
    const known = packages.get(name)
    if (!known || seen.has(known.folder)) return
    seen.add(known.folder)
    known.dependencies.forEach(visit)
  }
  visit(app)
  return [...seen].filter((folder) => existsSync(join(folder, 'tsup.config.ts')))
}

const stamps = join(root, 'node_modules/.tessera-build')
const stampOf = (folder) => join(stamps, relative(root, folder).replaceAll(/[\\/]/g, '-'))
const isBuilt = (folder) =>
  existsSync(stampOf(folder)) &&
  readFileSync(stampOf(folder), 'utf8') === `${hashInputs(folder)} ${listOutputs(folder)}`

function hashInputs(folder) {
  const sources = filesBelow(join(folder, 'src')).filter((path) => !/\.(test|bench)\.ts$/.test(path))
  const files = [
    ...sources,
    join(folder, 'package.json'),
    join(folder, 'tsup.config.ts'),
    join(root, 'tooling/tsup/index.mjs'),
    join(root, 'pnpm-lock.yaml'),
  ]
  return files
    .reduce((hash, path) => hash.update(relative(root, path)).update(readFileSync(path)), createHash('sha256'))
    .digest('hex')
}

/** State of dist, to notice another build in the same place. */
function listOutputs(folder) {
  const files = filesBelow(join(folder, 'dist')).filter((path) => path.endsWith('.js'))
  return files
    .reduce(
      (hash, path) => hash.update(`${relative(folder, path)} ${statSync(path).size} ${statSync(path).mtimeMs}\n`),
      createHash('sha256'),
    )
    .digest('hex')
}

function filesBelow(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]))
    .sort()
}
