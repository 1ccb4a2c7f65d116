// Folders of AssemblyScript: packages/*/assembly, and packages/*/test/assembly for tests only.
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..')

const filesBelow = (folder) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
        .sort()
    : []

/** The sources of every package, as `{ folder, part, files }`: the package, '' or 'test', and absolute paths. */
export const sources = () =>
  readdirSync(join(root, 'packages')).flatMap((name) =>
    ['', 'test'].map((part) => {
      const folder = join(root, 'packages', name)
      return { folder, part, files: filesBelow(join(folder, part, 'assembly')) }
    }),
  )
