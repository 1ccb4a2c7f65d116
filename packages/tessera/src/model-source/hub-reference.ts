import { TesseraError } from '@tessera-llm/tensor'

/** A model on the hub: a repository at a revision, optionally one file of it. */
export interface HubReference {
  /** `owner/name`. */
  readonly repository: string
  /** Branch, tag or commit. */
  readonly revision: string
  readonly file: string | undefined
}

const name = /^(?!\.+$)[\w.-]+$/

/** Parses `hf:owner/repo` or `hf:owner/repo@revision`, optionally with `/path/to/file.gguf` appended. */
export function parseHubReference(text: string): HubReference {
  const [owner = '', second = '', ...path] = text.replace(/^hf:(\/\/)?/, '').split('/')
  const [repo = '', revision = 'main', ...more] = second.split('@')
  const valid = [owner, repo, revision].every((part) => name.test(part)) && more.length === 0 && path.every(isPlain)
  if (!valid)
    throw new TesseraError(
      'invalid-option',
      `hub: "${text}" must be hf:owner/repo, hf:owner/repo/file.gguf or hf:owner/repo@revision/file.gguf`,
    )
  return { repository: `${owner}/${repo}`, revision, file: path.length === 0 ? undefined : path.join('/') }
}

/** Parses the address of a page or a file on the hub; undefined for any other address. */
export function hubReferenceOfUrl(url: string, endpoint: string): HubReference | undefined {
  if (!url.startsWith(`${endpoint}/`)) return undefined
  const { pathname } = new URL(url.slice(endpoint.length), 'http://hub')
  const [owner = '', repo = '', kind = '', revision = '', ...path] = pathname.slice(1).split('/').map(decoded)
  const named = [owner, repo, revision].every((part) => name.test(part)) && path.length > 0 && path.every(isPlain)
  return named && (kind === 'resolve' || kind === 'blob')
    ? { repository: `${owner}/${repo}`, revision, file: path.join('/') }
    : undefined
}

/** Decodes percent signs in a part of a path. Malformed ones give an empty part, which callers refuse. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return ''
  }
}

/** Whether a path of the hub may become a path on disk: no part may lead out of its folder. */
export function isPlainPath(path: string): boolean {
  return path.split('/').every(isPlain)
}

function isPlain(part: string): boolean {
  // Backslashes and colons separate folders and drives on Windows.
  return part !== '' && part !== '.' && part !== '..' && !/[\\:\0]/.test(part)
}
