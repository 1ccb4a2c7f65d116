import { posix } from 'node:path'
import type { Manifest, Package } from './workspace.ts'

/** A name that an entry of a package exports, and where it is declared. */
export interface PublicName {
  readonly name: string
  /** File of the declaration, relative to the package, with its line. */
  readonly where: string
  readonly isDocumented: boolean
}

const fromFile = /^export\s+(\*|(?:type\s+)?\{([^}]*)\})\s+from\s+'(\.[^']*)'/gm
const declared = /^export (?:async |abstract )*(?:function\*?|const|class|interface|type) (\w+)/

/**
 * Functions, classes, constants, interfaces and type aliases that a package's entries export, and whether they have a
 * docstring. An overloaded function needs it at its first overload. Modules must be in the formatter's layout.
 */
export function publicNames({ manifest, files }: Package): PublicName[] {
  const found = new Map<string, PublicName>()
  for (const entry of entriesOf(manifest))
    for (const one of exportsOf(files, entry, new Set())) found.set(`${one.where} ${one.name}`, one)
  return [...found.values()]
}

function entriesOf({ exports = {} }: Manifest): string[] {
  return Object.values(exports).flatMap((target) => {
    const source = typeof target === 'object' ? target['@tessera-llm/source'] : undefined
    return source === undefined ? [] : [posix.normalize(source)]
  })
}

function exportsOf(files: ReadonlyMap<string, string>, path: string, seen: Set<string>): PublicName[] {
  const text = files.get(path)
  if (text === undefined || seen.has(path)) return []
  seen.add(path)
  const found = declarationsOf(path, text)
  for (const [, what = '', names = '', specifier = ''] of text.matchAll(fromFile)) {
    const target = posix.join(posix.dirname(path), specifier)
    const wanted = names.split(',').map(
      (name) =>
        name
          .trim()
          .replace(/^type\s+/, '')
          .split(' as ')[0],
    )
    // A file may be exported in part by several statements, so only whole ones are visited once.
    const inner = exportsOf(files, target, what === '*' ? seen : new Set())
    found.push(...(what === '*' ? inner : inner.filter(({ name }) => wanted.includes(name))))
  }
  return found
}

function declarationsOf(path: string, text: string): PublicName[] {
  const lines = text.split('\n')
  const found = new Map<string, PublicName>()
  for (const [index, line] of lines.entries()) {
    const name = declared.exec(line)?.[1]
    if (name === undefined || found.has(name)) continue
    const isDocumented = lines[index - 1]?.trimEnd().endsWith('*/') === true
    found.set(name, { name, where: `${path}:${index + 1}`, isDocumented })
  }
  return [...found.values()]
}
