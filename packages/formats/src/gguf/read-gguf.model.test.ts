import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isTesseraError } from '@tessera-llm/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { bufferSource } from '../source/buffer-source.ts'
import { fileSource } from '../source/file-source.ts'
import { openCheckpoint } from '../source/open-checkpoint.ts'
import { readGguf } from './read-gguf.ts'

const folder = process.env['TESSERA_MODELS'] ?? join(homedir(), '.cache', 'tessera', 'models')
const entries = existsSync(folder) ? await readdir(folder, { recursive: true }) : []
const ggufFiles = entries.filter((name) => name.endsWith('.gguf'))
const safetensorsFiles = entries.filter((name) => name.endsWith('.safetensors'))
if (entries.length === 0)
  console.warn(`formats: no models in ${folder}; the tests on real files are skipped (tooling brings them)`)

function storedBytesOf(checkpoint: Checkpoint): number {
  let stored = 0
  for (const tensor of checkpoint.tensors.values()) stored += tensor.byteLength
  return stored
}

describe.skipIf(ggufFiles.length === 0)(
  `real GGUF files in ${folder} (skipped where tooling/models.sh has not brought the model)`,
  () => {
    test.for(ggufFiles)('%s: the whole header reads, and the tensors fill the file', async (file) => {
      const checkpoint = await readGguf(await fileSource(join(folder, file)))
      expect(typeof checkpoint.metadata['general.architecture']).toBe('string')
      expect(checkpoint.metadata['tokenizer.ggml.tokens']).toBeInstanceOf(Array)
      const stored = storedBytesOf(checkpoint)
      expect(stored).toBeLessThan(checkpoint.byteLength)
      expect(stored).toBeGreaterThan(checkpoint.byteLength * 0.8)
      const last = [...checkpoint.tensors.values()].at(-1)
      expect((await last?.read())?.length).toBe(last?.byteLength)
      await checkpoint.close()
    })

    test.for(ggufFiles)('%s: with its header damaged, it is read or refused', async (file) => {
      const source = await fileSource(join(folder, file))
      const intact = await readGguf(source)
      const headerBytes = intact.byteLength - storedBytesOf(intact)
      const header = await source.read(0, headerBytes)
      await source.close()
      const change = fc.record({ at: fc.oneof(fc.nat(4096), fc.nat(headerBytes - 1)), value: fc.nat(255) })
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
          for (const { at, value } of changes) header[at] = (header[at] ?? 0) ^ value
          const error = await readGguf(bufferSource(header)).catch((cause: unknown) => cause)
          for (const { at, value } of changes.toReversed()) header[at] = (header[at] ?? 0) ^ value
          // The data are cut off, so even an intact header must be refused.
          expect(isTesseraError(error)).toBe(true)
        }),
        { numRuns: 30 },
      )
    })
  },
)

describe.skipIf(safetensorsFiles.length === 0)(
  `real safetensors files in ${folder} (skipped where tooling/models.sh has not brought the model)`,
  () => {
    test.for(safetensorsFiles)('%s: every byte after the header belongs to a tensor', async (file) => {
      const checkpoint = await openCheckpoint(join(folder, file))
      expect(checkpoint.tensors.size).toBeGreaterThan(10)
      expect(storedBytesOf(checkpoint)).toBeGreaterThan(checkpoint.byteLength * 0.99)
      await checkpoint.close()
    })
  },
)
