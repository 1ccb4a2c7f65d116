/** Facts about a module that the rules need, read from its text. */
export interface Module {
  readonly imports: readonly ModuleImport[]
  readonly hasDefaultExport: boolean
  /** Top-level statements with effects at load time, as `line: text`. */
  readonly effects: readonly string[]
}

export interface ModuleImport {
  readonly specifier: string
  readonly line: number
  readonly kind: 'static' | 'type' | 'effect' | 'dynamic'
}

const staticImport = /^(import|export)\s+(type\s)?(?:[\w*{][^'"()]*?\s)?from\s+['"]([^'"]+)['"]/gm
const effectImport = /^import\s+['"]([^'"]+)['"]/gm
const dynamicImport = /\bimport\(\s*['"]([^'"]+)['"]/g
const defaultExport = /^export\s+(?:default\b|\{[^}]*\bas\s+default\b)/m
/** Starts of lines at the left margin without effects: declarations and their continuations. */
const declaration =
  /^(?:import\b|export\b|const\b|let\b|type\b|interface\b|function\b|async function\b|class\b|abstract class\b|declare\b|[\s)}\]>|]|#!|$)/

/** Reads a module in the formatter's layout: top-level statements begin at the left margin. */
export function scanModule(text: string): Module {
  const code = withoutComments(text)
  const lineOf = (index: number) => code.slice(0, index).split('\n').length
  const imports: ModuleImport[] = []
  for (const match of code.matchAll(staticImport))
    imports.push({ specifier: match[3] as string, line: lineOf(match.index), kind: match[2] ? 'type' : 'static' })
  for (const match of code.matchAll(effectImport))
    imports.push({ specifier: match[1] as string, line: lineOf(match.index), kind: 'effect' })
  for (const match of code.matchAll(dynamicImport))
    imports.push({ specifier: match[1] as string, line: lineOf(match.index), kind: 'dynamic' })
  const effects = code.split('\n').flatMap((line, index) => (declaration.test(line) ? [] : [`${index + 1}: ${line}`]))
  return { imports, hasDefaultExport: defaultExport.test(code), effects }
}

/** Blanks comments and template literals; keeps line numbers. */
function withoutComments(text: string): string {
  let out = ''
  let at = 0
  // The nesting of template literals: each entry counts the open braces of one `${…}`.
  const braces: number[] = []
  const take = (end: number, keep: boolean) => {
    const piece = text.slice(at, end)
    out += keep ? piece : piece.replace(/[^\n]/g, ' ')
    at = end
  }
  const template = (from: number) => {
    let end = from
    while (end < text.length && text[end] !== '`' && !text.startsWith('${', end)) end += text[end] === '\\' ? 2 : 1
    if (text.startsWith('${', end)) {
      braces.push(0)
      end += 2
    } else end += 1
    take(end, false)
  }
  while (at < text.length) {
    const two = text.slice(at, at + 2)
    const char = text[at] as string
    if (two === '//') take(endOf(text, '\n', at), false)
    else if (two === '/*') take(endOf(text, '*/', at + 2) + 2, false)
    else if (char === "'" || char === '"') take(closing(text, at, char), true)
    else if (char === '`') template(at + 1)
    else if (char === '/' && /(?:^|[=(,:[!&|?{};>\n]|\breturn)\s*$/.test(out)) take(regexEnd(text, at), true)
    else if (char === '}' && braces.at(-1) === 0) {
      braces.pop()
      template(at + 1)
    } else {
      const depth = braces.length - 1
      if (depth >= 0 && char === '{') braces[depth] = (braces[depth] as number) + 1
      if (depth >= 0 && char === '}') braces[depth] = (braces[depth] as number) - 1
      take(at + 1, true)
    }
  }
  return out
}

function endOf(text: string, what: string, from: number): number {
  const found = text.indexOf(what, from)
  return found < 0 ? text.length : found
}

function closing(text: string, from: number, quote: string): number {
  let end = from + 1
  while (end < text.length && text[end] !== quote && text[end] !== '\n') end += text[end] === '\\' ? 2 : 1
  return end + 1
}

function regexEnd(text: string, from: number): number {
  let inClass = false
  for (let end = from + 1; end < text.length && text[end] !== '\n'; end++) {
    const char = text[end]
    if (char === '\\') end++
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '/' && !inClass) return end + 1
  }
  return from + 1
}
