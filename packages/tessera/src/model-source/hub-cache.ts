import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HubFile } from './hub-client.ts'
import { isPlainPath } from './hub-reference.ts'
import type { HubReference } from './hub-reference.ts'

/**
 * One revision of a repository on disk: its files under their own names, so that any program can use the folder, and
 * `.tessera.json`, which lists size and hash of every verified file.
 */
export interface HubCache {
  readonly folder: string
  pathOf(file: string): string
  /** Files that were verified and still have their size. */
  files(): Promise<readonly HubFile[]>
  add(file: HubFile): Promise<void>
}

export function hubCache(cacheFolder: string, { repository, revision }: HubReference): HubCache {
  const folder = join(cacheFolder, repository.replace('/', '--'), revision)
  const manifest = join(folder, '.tessera.json')
  const pathOf = (file: string): string => join(folder, ...file.split('/'))
  const files = async (): Promise<readonly HubFile[]> => {
    const listed = await readManifest(manifest)
    const kept = await Promise.all(listed.map(async (file) => (await sizeOf(pathOf(file.path))) === file.sizeBytes))
    return listed.filter((_, i) => kept[i])
  }
  return {
    folder,
    pathOf,
    files,
    async add(file: HubFile): Promise<void> {
      const others = (await readManifest(manifest)).filter(({ path }) => path !== file.path)
      await mkdir(folder, { recursive: true })
      const temporary = `${manifest}.${randomUUID()}`
      await writeFile(temporary, `${JSON.stringify({ files: [...others, file] }, null, 2)}\n`)
      await rename(temporary, manifest)
    },
  }
}

/** Size of a file in bytes; undefined if there is no file. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() === true ? found.size : undefined
}

/**
 * Reads the list of verified files. A missing or damaged list counts as empty: files are then hashed again, and correct
 * ones are kept.
 */
async function readManifest(path: string): Promise<readonly HubFile[]> {
  const text = await readFile(path, 'utf8').catch(() => '{}')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return []
  }
  const files = (json as { files?: unknown } | null)?.files
  return Array.isArray(files) ? files.filter(isHubFile) : []
}

function isHubFile(value: unknown): value is HubFile {
  const file = value as Partial<HubFile> | null
  return (
    typeof file?.path === 'string' &&
    isPlainPath(file.path) &&
    typeof file.sizeBytes === 'number' &&
    typeof file.hash === 'string'
  )
}
