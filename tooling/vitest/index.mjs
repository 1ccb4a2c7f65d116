import { readFileSync } from 'node:fs'

/** Loads `.wgsl` files as strings, as the build does. */
export function wgslText() {
  return {
    name: 'wgsl-text',
    enforce: 'pre',
    load(id) {
      const path = id.split('?')[0]
      if (path.endsWith('.wgsl')) return `export default ${JSON.stringify(readFileSync(path, 'utf8'))}`
      return undefined
    },
  }
}

/** Resolves workspace packages to their TypeScript sources: tests need no build. */
export const sourceConditions = ['@tessera-llm/source', 'module', 'import', 'default', 'node']
