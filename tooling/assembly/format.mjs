// Formats AssemblyScript with the settings of biome.json: node tooling/assembly/format.mjs [--check] [FILES]
// Biome cannot parse a function's decorators, so they become comments while it works. Without FILES it formats all
// sources of all packages; --check writes nothing and exits with 1 where a file would change.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { root, sources } from './sources.mjs'

const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
const { formatter, javascript } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'))

const decoratorsToComments = (text) => text.replace(/^@(\w+)\s+/gm, '//@$1\n')
const commentsToDecorators = (text) => text.replace(/^\/\/@(\w+)$/gm, '@$1')

/** Texts in Biome's layout; one run formats all of them. */
function format(texts) {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-format-'))
  try {
    writeFileSync(join(folder, 'biome.json'), JSON.stringify({ root: true, formatter, javascript }))
    const paths = texts.map((_, index) => join(folder, `${index}.ts`))
    for (const [index, path] of paths.entries()) writeFileSync(path, decoratorsToComments(texts[index]))
    const options = { cwd: folder, encoding: 'utf8' }
    const { status, stdout, stderr } = spawnSync(process.execPath, [biome, 'format', '--write', '.'], options)
    if (status !== 0) throw new Error(`${stdout}${stderr}`)
    return paths.map((path) => commentsToDecorators(readFileSync(path, 'utf8')))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const checks = process.argv.includes('--check')
const named = process.argv.slice(2).filter((argument) => argument !== '--check')
const files = named.length > 0 ? named : sources().flatMap((part) => part.files)
const texts = files.map((file) => readFileSync(file, 'utf8'))
const formatted = format(texts)
const changed = files.filter((_, index) => formatted[index] !== texts[index])
if (!checks) for (const file of changed) writeFileSync(file, formatted[files.indexOf(file)])
for (const file of changed) console.error(`${checks ? 'not formatted' : 'formatted'}: ${relative(root, file)}`)
console.log(`${files.length} files of AssemblyScript, ${changed.length} ${checks ? 'not formatted' : 'formatted'}`)
if (checks && changed.length > 0) process.exitCode = 1
