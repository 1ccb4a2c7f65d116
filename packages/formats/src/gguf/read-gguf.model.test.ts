import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fileSource } from '../source/file-source.ts'
import { readGguf } from './read-gguf.ts'

const folder = process.env['TESSERA_MODELS'] ?? join(homedir(), '.cache', 'tessera', 'models')
const files = existsSync(folder) ? (await readdir(folder)).filter((name) => name.endsWith('.gguf')) : []

describe.skipIf(files.length === 0)(`real GGUF files in ${folder}`, () => {
  test.for(files)('%s: the whole header reads, and the tensors fill the file', async (file) => {
    const checkpoint = await readGguf(await fileSource(join(folder, file)))
    const architecture = checkpoint.metadata['general.architecture']
    expect(typeof architecture).toBe('string')
    expect(checkpoint.metadata['tokenizer.ggml.tokens']).toBeInstanceOf(Array)
    let stored = 0
    for (const tensor of checkpoint.tensors.values()) stored += tensor.byteLength
    expect(stored).toBeLessThan(checkpoint.byteLength)
    expect(stored).toBeGreaterThan(checkpoint.byteLength * 0.8)
    const last = [...checkpoint.tensors.values()].at(-1)
    expect((await last?.read())?.length).toBe(last?.byteLength)
    await checkpoint.close()
  })
})
