import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

export interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/**
 * One package of the workspace: its manifest and its hand-written text files by path, relative to its folder, with `/`.
 */
export interface Package {
  /** Relative to the repository, such as `packages/tensor`. */
  readonly folder: string
  readonly manifest: Manifest
  readonly files: ReadonlyMap<string, string>
}

const ignored =
  /^(test\/golden|model|data|results|peers)$|(^|\/)(node_modules|dist|generated|coverage|\.turbo|\.cache)$/
const isText = (name: string) => /\.(ts|mts|js|mjs|wgsl)$/.test(name)

/** Every package below `packages/` and `apps/` of the repository at `root`. */
export function readWorkspace(root: string): Package[] {
  const folders = ['packages', 'apps'].flatMap((kind) =>
    readdirSync(join(root, kind), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(root, kind, entry.name)),
  )
  return folders.map((folder) => ({
    folder: slashes(relative(root, folder)),
    manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest,
    files: new Map(
      filesBelow(folder, folder).map((path) => [slashes(relative(folder, path)), readFileSync(path, 'utf8')]),
    ),
  }))
}

function filesBelow(folder: string, base: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return ignored.test(slashes(relative(base, path))) ? [] : filesBelow(path, base)
    return entry.isFile() && isText(entry.name) ? [path] : []
  })
}

const slashes = (path: string) => path.split(sep).join('/')
