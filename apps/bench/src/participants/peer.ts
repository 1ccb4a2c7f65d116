import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { UnavailableError } from '../participant/index.ts'

const folder = new URL('../../peers/', import.meta.url)

interface Resolver {
  importPeer(specifier: string): Promise<unknown>
}

/** Imports a peer from `peers/node_modules`. The caller states its types: the main install has none of them. */
export async function importPeer<T>(specifier: string): Promise<T> {
  checkInstalled(specifier)
  const { importPeer: load } = (await import(new URL('import-peer.mjs', folder).href)) as Resolver
  return (await load(specifier)) as T
}

/** Path of a file that a peer's package holds. */
export function peerPath(specifier: string, path: string): URL {
  checkInstalled(specifier)
  return new URL(`node_modules/${specifier}/${path}`, folder)
}

export function peerVersion(specifier: string): string {
  return (JSON.parse(readFileSync(peerPath(specifier, 'package.json'), 'utf8')) as { version: string }).version
}

/** Loads a CommonJS peer. */
export function requirePeer<T>(specifier: string): T {
  checkInstalled(specifier)
  return createRequire(folder)(specifier) as T
}

/** @throws UnavailableError which says how to fetch it */
function checkInstalled(specifier: string): void {
  try {
    readFileSync(new URL(`node_modules/${specifier}/package.json`, folder))
  } catch {
    throw new UnavailableError(`${specifier} is not installed: run pnpm bench:setup`)
  }
}
