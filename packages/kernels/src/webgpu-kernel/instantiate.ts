/**
 * Copies WGSL text under a prefix, so that one module can hold it twice. The prefix goes before module-scope
 * declarations and before the names in `also` (bindings, prelude constants, `params.rows`): `query_` turns `scale_of`
 * into `query_scale_of`.
 */
export function instantiate(fragments: readonly string[], prefix: string, also: readonly string[] = []): string {
  const text = fragments.join('\n')
  const declared = [...text.matchAll(/^(?:fn|const|alias|struct|var(?:<[^>]*>)?)\s+(\w+)/gm)].map(
    ([, name]) => name as string,
  )
  return renamed(
    text,
    Object.fromEntries(
      [...declared, ...also].map((name) => [
        name,
        name.startsWith('params.') ? `params.${prefix}${name.slice(7)}` : `${prefix}${name}`,
      ]),
    ),
  )
}

/** Replaces identifiers in the text, except members (`.x`). */
export function renamed(text: string, names: Readonly<Record<string, string>>): string {
  return text.replace(/(?<![\w.])(?:params\.)?\w+/g, (word) => names[word] ?? word)
}
