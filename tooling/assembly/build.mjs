// Compiles every packages/*/assembly/<name>.entry.ts twice (relaxed SIMD, plain SIMD) into packages/*/src/generated/<name>.ts,
// base64, and asserts the kernel ABI: no data, no start function, no mutable global, nothing imported but memory and table.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { checkModule } from './check-module.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const options = ['--enable', 'simd', '--enable', 'threads', '--importMemory', '--sharedMemory', '--maximumMemory', '65536', '--noExportMemory', '--importTable', '--runtime', 'stub', '-O3', '--converge', '--noAssert', '--disableWarning', '201', '--disableWarning', '112']

const filesBelow = (folder) => (existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name)).sort() : [])
const hashOf = (files) => files.reduce((hash, file) => hash.update(relative(root, file)).update(readFileSync(file)), createHash('sha256').update(options.join())).digest('hex').slice(0, 16)

/** Compiles one build to bytes; compiler messages end the program. */
async function compile(folder, entry, relaxed) {
  let bytes
  const messages = []
  const { error } = await asc.main([relative(folder, entry), '--baseDir', folder, ...options, ...(relaxed ? ['--enable', 'relaxed-simd'] : []), '--outFile', 'out.wasm'], {
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
  if (error || !bytes) {
    console.error(messages.join('') || String(error))
    throw new Error(`assembly: ${relative(root, entry)} does not compile`)
  }
  return bytes
}

const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase())

async function build(folder, name, shared) {
  const entry = join(folder, 'assembly', `${name}.entry.ts`)
  const target = join(folder, 'src/generated', `${name}.ts`)
  const hash = hashOf([...new Set([...filesBelow(join(folder, 'assembly')), ...shared])])
  if (existsSync(target) && readFileSync(target, 'utf8').startsWith(`// ${hash}\n`)) return
  const relaxed = await compile(folder, entry, true)
  // The probe asks whether relaxed SIMD works: it has no other build.
  const simd = name === 'probe' ? new Uint8Array() : await compile(folder, entry, false)
  checkModule(relaxed, `${name} (relaxed)`)
  if (simd.length > 0) checkModule(simd, `${name} (simd)`)
  const base64 = (bytes) => Buffer.from(bytes).toString('base64')
  const typeFrom = folder.endsWith('wasm') ? '../kernel/kernel.ts' : '@tessera-llm/wasm'
  const text = `// ${hash}\n// Made by tooling/assembly/build.mjs from assembly/${name}.entry.ts.\nimport type { WasmModule } from '${typeFrom}'\n\nexport const ${camel(name)}Module: WasmModule = {\n  name: '${name}',\n  relaxed: '${base64(relaxed)}',\n  simd: '${base64(simd)}',\n}\n`
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(`${target}.part`, text)
  renameSync(`${target}.part`, target)
  console.error(`assembly: ${name} ${relaxed.byteLength} bytes relaxed, ${simd.byteLength} bytes plain SIMD`)
}

process.chdir(root)
const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name))
const shared = filesBelow(join(root, 'packages/wasm/assembly'))
for (const folder of packages) {
  for (const file of filesBelow(join(folder, 'assembly'))) {
    const name = /^(.*)\.entry\.ts$/.exec(relative(join(folder, 'assembly'), file))?.[1]
    if (name) await build(folder, name, shared)
  }
}
