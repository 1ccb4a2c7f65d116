// A worker: compiles one AssemblyScript entry and posts its bytes, or the compiler's messages.
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import asc from 'assemblyscript/asc'

const { folder, entry, options } = workerData
let bytes
const messages = []
const { error } = await asc.main([relative(folder, entry), '--baseDir', folder, ...options, '--outFile', 'out.wasm'], {
  stderr: { write: (text) => messages.push(text) },
  readFile: (name, base) => {
    const path = join(base, name)
    return existsSync(path) ? readFileSync(path, 'utf8') : null
  },
  writeFile: (_name, data) => {
    bytes = data
  },
  listFiles: () => [],
})
parentPort.postMessage(error || !bytes ? { failure: messages.join('') || String(error) } : { bytes })
