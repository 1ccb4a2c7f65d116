import { readFileSync } from 'node:fs'

/**
 * The version in package.json. It is one folder above `src` and above `dist`, so this file must stay directly in `src`.
 */
export function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
