import { expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { json, onReference, statedMemory } from '../../test/support/json.ts'
import { tiny } from '../../test/support/models.ts'

test('inspect --json', async () => {
  const { result } = await json('inspect', tiny, ...onReference)
  expect(result).toMatchObject({
    container: 'gguf',
    bytes: 5_579_232,
    parameters: 2_755_008,
    formats: { f16: { tensors: 43 }, f32: { tensors: 13 } },
    config: { architecture: 'llama', numLayers: 6, hiddenSize: 192, numHeads: 6, numKvHeads: 2, contextLength: 256 },
    memory: {
      totalBytes: expect.any(Number),
      weightBytes: expect.any(Number),
      cacheBytes: expect.any(Number),
      contextLength: 256,
    },
  })
  expect(result).not.toHaveProperty('error')
  expect((await json('inspect', tiny, '--tensors')).result['tensors']).toHaveLength(56)
  const { stdout } = await tessera(['inspect', tiny])
  expect(stdout).toMatch(statedMemory)
  expect(stdout).toContain('llama: 6 layers, width 192, 6 query and 2 KV heads of 32')
})
