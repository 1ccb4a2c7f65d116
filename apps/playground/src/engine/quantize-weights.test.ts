import { readFile } from 'node:fs/promises'
import { bufferSource, readGguf } from '@tessera-llm/formats'
import { measurePerplexity } from '@tessera-llm/evaluation'
import { checkpointWeights } from '@tessera-llm/optimize'
import { ggmlPackers } from '@tessera-llm/quantization'
import { createSession, llamaFamily, loadModel } from '@tessera-llm/runtime'
import { createDefaultDevice } from '@tessera-llm/tessera'
import { tinyModel } from '@tessera-llm/tiny-model'
import { afterAll, expect, test } from 'vitest'
import heldOut from '../../data/held-out.json'
import { createQuantizer } from './quantize-weights.ts'

const device = await createDefaultDevice({ device: 'wasm', threads: 1 })
afterAll(() => device.dispose())
const checkpoint = await readGguf(bufferSource(new Uint8Array(await readFile(tinyModel.ggufUrl))))
const load = (changed: typeof checkpoint) =>
  loadModel(changed, { device, packers: ggmlPackers, families: [llamaFamily] })
const model = await load(checkpoint)
const quantizer = createQuantizer(
  checkpoint,
  checkpointWeights(checkpoint),
  model,
  [4, 5, 6, 7].map((index) => heldOut.slice(index * 256, (index + 1) * 256)),
  async (changed) => {
    const loaded = await load(changed)
    const session = createSession(loaded, { activations: 'f32' })
    const { perplexity } = await measurePerplexity(session, heldOut.slice(0, 256), { window: 256, protocol: 'all' })
    session.dispose()
    loaded.dispose()
    return perplexity
  },
)

test('fewer bits cost bytes less and perplexity more, and GPTQ errs less at the outputs', async () => {
  const request = { name: 'layers.2.attention.output', method: 'rtn', bits: 3, group: 32, all: false } as const
  const three = await quantizer.quantize(request)
  const eight = await quantizer.quantize({ ...request, bits: 8 })
  const all = await quantizer.quantize({ ...request, bits: 2, all: true })
  expect(three.bitsPerWeight).toBeCloseTo(3 + (16 + 3) / 32, 6)
  expect(three.bytes.before).toBe(2 * 192 * 192)
  expect(eight.outputError).toBeLessThan(three.outputError / 100)
  expect(all.perplexity).toBeGreaterThan(three.perplexity)
  expect((await quantizer.quantize({ ...request, method: 'gptq' })).outputError).toBeLessThan(three.outputError)
  await expect(quantizer.quantize({ ...request, name: 'layers.9.mlp.down' })).rejects.toThrow(
    'The model has no matrix layers.9.mlp.down',
  )
})
