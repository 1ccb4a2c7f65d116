// Compiles one AssemblyScript entry: to its bytes, or to the compiler's messages.
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import asc from 'assemblyscript/asc'

/** `edit(text)` may give another text of a file. */
export async function compileEntry(folder, entry, options, edit = (text) => text) {
  let bytes
  const messages = []
  const { error } = await asc.main(
    [relative(folder, entry), '--baseDir', folder, ...options, '--outFile', 'out.wasm'],
    {
      stderr: { write: (text) => messages.push(text) },
      readFile: (name, base) => {
        const path = join(base, name)
        return existsSync(path) ? edit(readFileSync(path, 'utf8')) : null
      },
      writeFile: (_name, data) => {
        bytes = data
      },
      listFiles: () => [],
    },
  )
  return error || !bytes ? { failure: messages.join('') || String(error) } : { bytes }
}
