import { readFileSync } from 'node:fs'

/** The version in package.json, which lies one folder above `src` and above `dist`: this file must stay right in `src`. */
export function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
