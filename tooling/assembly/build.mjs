// Compiles every packages/*/assembly/<name>.entry.ts twice (relaxed SIMD, plain SIMD) into
// packages/*/src/generated/<name>.ts (those of packages/*/test/assembly, for tests only, into
// packages/*/test/generated), base64, and asserts the kernel ABI: no data, no start function, no mutable global,
// nothing imported but memory and table.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { Worker } from 'node:worker_threads'
import { checkModule } from './check-module.mjs'
import { options, relaxed } from './options.mjs'
import { root, sources } from './sources.mjs'

/** A source and all its imports, those from packages included. */
function sourcesOf(file, seen = new Set()) {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/\bfrom '([^']+)'/g)) {
    const [, owner, rest] = /^@tessera-llm\/([^/]+)\/(.+)$/.exec(path) ?? []
    sourcesOf(`${owner === undefined ? join(dirname(file), path) : join(root, 'packages', owner, rest)}.ts`, seen)
  }
  return seen
}

const hashOf = (files) =>
  files
    .reduce(
      (hash, file) => hash.update(relative(root, file)).update(readFileSync(file)),
      createHash('sha256').update(options.join()),
    )
    .digest('hex')
    .slice(0, 16)

/** At most two compilers at a time: each takes a core for seconds and some hundred MB. */
const waiting = []
let running = 0
async function slot(work) {
  while (running === 2) await new Promise((resolve) => waiting.push(resolve))
  running += 1
  try {
    return await work()
  } finally {
    running -= 1
    waiting.shift()?.()
  }
}

/** Compiles one build to bytes in a worker; compiler messages end the program. */
const compile = (folder, entry, isRelaxed) =>
  slot(async () => {
    const worker = new Worker(new URL('./compile.mjs', import.meta.url), {
      workerData: { folder, entry, options: [...options, ...(isRelaxed ? relaxed : [])] },
    })
    const [{ bytes, failure }] = await once(worker, 'message')
    if (bytes) return bytes
    console.error(failure)
    throw new Error(`assembly: ${relative(root, entry)} does not compile`)
  })

const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase())

async function build(folder, name, part = '') {
  const entry = join(folder, part, 'assembly', `${name}.entry.ts`)
  const target = join(folder, part || 'src', 'generated', `${name}.ts`)
  const hash = hashOf([...sourcesOf(entry)].sort())
  if (existsSync(target) && readFileSync(target, 'utf8').startsWith(`// ${hash}\n`)) return
  // The probe tests whether relaxed SIMD works, so it has no other build.
  const [first, simd] = await Promise.all([
    compile(folder, entry, true),
    name === 'probe' ? new Uint8Array() : compile(folder, entry, false),
  ])
  checkModule(first, `${name} (relaxed)`)
  if (simd.length > 0) checkModule(simd, `${name} (simd)`)
  const base64 = (bytes) => Buffer.from(bytes).toString('base64')
  const typeFrom = folder.endsWith('wasm') ? `../${part && '../src/'}kernel/kernel.ts` : '@tessera-llm/wasm'
  const head = `// ${hash}\n// Made by tooling/assembly/build.mjs from ${relative(folder, entry).replaceAll('\\', '/')}.\nimport type { WasmModule } from '${typeFrom}'\n\n`
  // A source without relaxed instructions gives one build, which is written once.
  const isOne = Buffer.compare(first, simd) === 0
  const builds = isOne ? `  relaxed: simd,\n  simd,\n` : `  relaxed: '${base64(first)}',\n  simd: '${base64(simd)}',\n`
  const text = `${head}${isOne ? `const simd = '${base64(simd)}'\n\n` : ''}export const ${camel(name)}Module: WasmModule = {\n  name: '${name}',\n${builds}}\n`
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(`${target}.part`, text)
  renameSync(`${target}.part`, target)
  console.error(`assembly: ${name} ${first.byteLength} bytes relaxed, ${simd.byteLength} bytes plain SIMD`)
}

process.chdir(root)
const entries = sources().flatMap(({ folder, part, files }) =>
  files.flatMap((file) => {
    const name = /^(.*)\.entry\.ts$/.exec(relative(join(folder, part, 'assembly'), file))?.[1]
    return name ? [{ folder, name, part, files: files.length }] : []
  }),
)
// Longest first, so that neither compiler idles at the end.
await Promise.all(entries.sort((a, b) => b.files - a.files).map(({ folder, name, part }) => build(folder, name, part)))
