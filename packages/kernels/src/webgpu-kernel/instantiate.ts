/**
 * WGSL text once more in one module, under names of its own: what the fragments declare at module scope, and the names in `also`
 * (their bindings, constants of the prelude, `params.rows`), get the prefix; `query_` makes `query_scale_of` of `scale_of`.
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

/** The text with identifiers replaced; those of members (`.x`) are left alone. */
export function renamed(text: string, names: Readonly<Record<string, string>>): string {
  return text.replace(/(?<![\w.])(?:params\.)?\w+/g, (word) => names[word] ?? word)
}
