import { TesseraError } from '@tessera-llm/tensor'
import type { Targets } from './recipe.ts'

/**
 * Those of `names` that match a pattern, in their order. `*` matches one part of a name between dots, `**` any number
 * of parts.
 *
 * @throws TesseraError `invalid-option` for a pattern without a match, with names to choose from
 */
export function matchTargets(targets: Targets, names: readonly string[]): readonly string[] {
  const patterns = typeof targets === 'string' ? [targets] : targets
  const matched = new Set<string>()
  for (const pattern of patterns) {
    const expression = expressionOf(pattern)
    const found = names.filter((name) => expression.test(name))
    if (found.length === 0)
      throw new TesseraError(
        'invalid-option',
        `recipe: the target ${JSON.stringify(pattern)} matches no weight of this model; its names are like ${examples(names).join(', ')}`,
      )
    for (const name of found) matched.add(name)
  }
  return names.filter((name) => matched.has(name))
}

function expressionOf(pattern: string): RegExp {
  const parts = pattern.split('.').map((part) =>
    part === '**'
      ? '.+'
      : part
          .split('*')
          .map((text) => text.replace(/[^\w]/g, '\\$&'))
          .join('[^.]*'),
  )
  return new RegExp(`^${parts.join('\\.')}$`)
}

/** One name for each shape of name, which differ only in numbers. */
function examples(names: readonly string[]): readonly string[] {
  const shapes = new Map(names.map((name) => [name.replace(/\d+/g, '0'), name]))
  return [...shapes.values()].slice(0, 12)
}
