import { readFile } from 'node:fs/promises'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { bufferSource, type Checkpoint, readSafetensors } from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { bertFamily, type Fields, loadEncoder, packSequences } from '@tessera-llm/runtime'
import { createRandom, type Device } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseRecipe, type Recipe } from '../recipe/index.ts'
import { memoryStore } from '../store/index.ts'
import { type Subject, subjectOf } from '../subject/index.ts'
import { decodedCheckpoint } from '../write/index.ts'
import { applyRecipe } from './index.ts'

const golden = (file: string): URL =>
  new URL(`../../../runtime/test/golden/architectures/bert/${file}`, import.meta.url)
let device: Device
let checkpoint: Checkpoint
let config: Fields
let subject: Subject
beforeAll(async () => {
  device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm], threads: 1 })
  config = JSON.parse(await readFile(golden('config.json'), 'utf8')) as Fields
  checkpoint = await readSafetensors(bufferSource(await readFile(golden('model.safetensors'))))
  subject = subjectOf(checkpoint, { families: [], encoderFamilies: [bertFamily], config })
})
afterAll(() => device?.dispose())

const random = createRandom(3)
const idsOf = (count: number): readonly number[] =>
  Array.from({ length: count }, () => random.integer(subject.config.vocabSize))
const recipeOf = (...steps: object[]): Recipe => parseRecipe({ calibration: { windows: 24, window: 16 }, steps })
const int3 = { bits: 3, group: 16 }

async function statesOf(of: Checkpoint, ids: readonly number[]): Promise<Float32Array> {
  const encoder = await loadEncoder(of, { device, packers: [], families: [bertFamily], config })
  const packed = packSequences(device, [ids])
  const states = encoder.forward(packed, { activations: 'f32' })
  const values = (await device.read(states)) as Float32Array
  for (const tensor of [...Object.values(packed), states]) tensor?.dispose()
  encoder.dispose()
  return values
}

/** Squared difference of the last hidden states on text outside of the calibration. */
async function lost(recipe: Recipe): Promise<number> {
  const applied = await applyRecipe(subject, recipe, { device, calibration: { ids: idsOf(400) } })
  const ids = idsOf(32)
  const [before, after] = [await statesOf(checkpoint, ids), await statesOf(decodedCheckpoint(applied, {}), ids)]
  return Array.from(before).reduce((sum, value, index) => sum + (value - (after[index] as number)) ** 2, 0)
}

test('the layers of an encoder: gptq loses less than rounding to nearest, 8 bits a row next to nothing', async () => {
  const rtn = await lost(recipeOf({ kind: 'quantize', method: 'rtn', format: int3 }))
  expect(await lost(recipeOf({ kind: 'quantize', method: 'gptq', format: int3 }))).toBeLessThan(0.8 * rtn)
  expect(
    await lost(recipeOf({ kind: 'quantize', method: 'rtn', format: { bits: 8, group: 'row', symmetric: true } })),
  ).toBeLessThan(0.01 * rtn)
})

test('biases give outputs their means back: rounding to nearest loses less, and the written biases are others', async () => {
  const step = { kind: 'quantize', method: 'rtn', format: { bits: 2, group: 'row' } }
  const [plain, compensated] = [await lost(recipeOf(step)), await lost(recipeOf({ ...step, compensateBias: true }))]
  expect(compensated, `${plain}`).toBeLessThan(0.95 * plain)
  const store = memoryStore()
  const ids = idsOf(400)
  const applied = await applyRecipe(subject, recipeOf({ ...step, compensateBias: true }), {
    device,
    calibration: { ids },
    store,
  })
  const bias = 'layers.0.mlp.up.bias'
  expect(await applied.subject.weights.get(bias)?.read()).not.toEqual(await subject.weights.get(bias)?.read())
  // Biases are read back from the store, only for layers that had one before.
  const again = await applyRecipe(subject, recipeOf({ ...step, compensateBias: true }), {
    device,
    calibration: { ids },
    store,
  })
  expect(again.resumed).toBe(applied.assignments.size)
  expect(await again.subject.weights.get(bias)?.read()).toEqual(await applied.subject.weights.get(bias)?.read())
})

test('its embeddings too, by methods that need no inputs', async () => {
  const step = { kind: 'quantize', targets: 'embedding', method: 'rtn', format: { bits: 4, group: 16 } }
  const applied = await applyRecipe(subject, recipeOf(step), { device })
  expect([...applied.assignments.keys()]).toEqual(['embedding'])
  const inputs = applyRecipe(subject, recipeOf({ ...step, method: 'gptq' }), {
    device,
    calibration: { ids: idsOf(400) },
  })
  await expect(inputs).rejects.toThrow(
    'recipe: no linear layer of this model reads embedding, so there are no inputs for gptq to look at; use rtn or hqq without importance',
  )
})

test('cannot be rotated: its norms are of sums', async () => {
  const rotated = applyRecipe(
    subject,
    recipeOf({ kind: 'rotate' }, { kind: 'quantize', method: 'rtn', format: int3 }),
    { device },
  )
  await expect(rotated).rejects.toThrow('a model of the architecture bert cannot be rotated')
})
