import { readFile } from 'node:fs/promises'
import { denseCache } from '@tessera-llm/attention'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import {
  bufferSink,
  bufferSource,
  type Checkpoint,
  readGguf,
  readSafetensors,
  type TensorData,
  writeSafetensors,
} from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { ggmlPackers, quantizedCheckpoint } from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import {
  cacheLayersOf,
  createSession,
  type Fields,
  type LanguageModel,
  llamaFamily,
  loadModel,
  uploadStep,
} from '@tessera-llm/runtime'
import type { Device, Tensor } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Applied, applyRecipe } from '../apply/index.ts'
import { ggufContent, huggingFaceContent, safetensorsCheckpointOf } from '../convert/index.ts'
import { parseRecipe, type Recipe } from '../recipe/index.ts'
import { type Subject, subjectOf } from '../subject/index.ts'
import { decodedCheckpoint, folderContent, writeGgufModel } from './index.ts'

const windows = { windows: 3, window: 24 }
const text = Array.from({ length: 72 }, (_, index) => 3 + ((index * 37) % 90))
const recipe = parseRecipe({
  activations: 'int8-static',
  calibration: windows,
  steps: [{ kind: 'smooth' }, { kind: 'quantize', method: 'rtn', format: { bits: 8, group: 'row', symmetric: true } }],
})

let device: Device
let checkpoint: Checkpoint
let config: Fields
let tokenizers: Pick<Awaited<ReturnType<typeof huggingFaceContent>>, 'tokenizer' | 'tokenizerConfig'>
let subject: Subject
let applied: Applied
beforeAll(async () => {
  device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm], threads: 2 })
  const content = await huggingFaceContent(await readGguf(bufferSource(await readFile(tinyModel.ggufUrl))))
  checkpoint = safetensorsCheckpointOf(content.tensors)
  config = content.config
  tokenizers = content
  subject = subjectOf(checkpoint, { families: [llamaFamily], config })
  applied = await applyRecipe(subject, recipe, { device, calibration: { ids: text } })
})
afterAll(() => device?.dispose())

const load = (from: Checkpoint): Promise<LanguageModel> =>
  loadModel(from, { device, packers: ggmlPackers, families: [llamaFamily], config })

async function written(tensors: readonly TensorData[]): Promise<Checkpoint> {
  const sink = bufferSink()
  await writeSafetensors({ tensors }, sink)
  return readSafetensors(bufferSource(sink.bytes()))
}

test('each scale is a 127th of the largest input that the compressed model gives its layer on the calibration text', async () => {
  const model = await load(decodedCheckpoint(applied, checkpoint.metadata))
  const largest = new Map<string, number>()
  const inputs: Promise<void>[] = []
  const observe = (name: string, tensor: Tensor): void => {
    if (!name.endsWith('.input')) return
    const layer = name.replace(/\.input$/, '')
    inputs.push(
      device.read(tensor).then(
        (values) =>
          void largest.set(
            layer,
            (values as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), largest.get(layer) ?? 0),
          ),
      ),
    )
  }
  const cache = denseCache('f32').create(device, {
    layers: cacheLayersOf(model.config),
    batch: 1,
    capacity: windows.window,
  })
  for (let at = 0; at < text.length; at += windows.window) {
    cache.prepare(0, windows.window)
    device.scope(
      () =>
        void model.forward(uploadStep(device, text.slice(at, at + windows.window)), cache, {
          logits: 'none',
          activations: 'f32',
          observe,
        }),
    )
    await Promise.all(inputs)
  }
  cache.dispose()
  model.dispose()
  expect([...applied.inputScales.keys()].sort()).toEqual([...applied.assignments.keys()].sort())
  for (const [name, scale] of applied.inputScales)
    expect(scale / ((largest.get(name) ?? 0) / 127), name).toBeCloseTo(1, 5)
})

test('a folder holds the scales and says so; loaded again, the model rounds by them, near what rounding by tokens gives', async () => {
  const content = await folderContent(applied, subject, checkpoint, { config, activations: recipe.activations })
  const quantization = content.config['quantization_config'] as { readonly config_groups: Fields }
  expect(quantization.config_groups).toMatchObject({
    group_0: { input_activations: { num_bits: 8, type: 'int', symmetric: true, strategy: 'tensor', dynamic: false } },
  })
  const read = await quantizedCheckpoint(await written(content.tensors), quantization)
  const stored = read.tensors.get('model.layers.0.mlp.down_proj.input_scale')
  expect(stored).toMatchObject({ format: 'f32', shape: [1] })
  expect(new Float32Array((await stored?.read())?.slice().buffer ?? new ArrayBuffer(0))[0]).toBe(
    applied.inputScales.get('layers.0.mlp.down'),
  )

  const model = await load(read)
  const logitsWith = async (activations: Recipe['activations']): Promise<Float32Array> => {
    const session = createSession(model, { activations, cache: denseCache('f32') })
    const logits = await session.prefill(text.slice(0, 24))
    session.dispose()
    return logits
  }
  const [exact, byToken, byScale] = [
    await logitsWith('f32'),
    await logitsWith('int8-token'),
    await logitsWith('int8-static'),
  ]
  // The result differs from dynamic rounding, by less than a wrong scale of any layer would cause.
  expect(byScale).not.toEqual(byToken)
  expect(distance(byScale, exact)).toBeLessThan(0.05)
  model.dispose()
  const finer = {
    ...applied,
    inputScales: new Map(
      [...applied.inputScales].map(([name, scale]) => [name, name === 'layers.0.mlp.down' ? scale / 16 : scale]),
    ),
  }
  const other = await load(
    await quantizedCheckpoint(
      await written(
        (await folderContent(finer, subject, checkpoint, { config, activations: recipe.activations })).tensors,
      ),
      quantization,
    ),
  )
  const session = createSession(other, { activations: 'int8-static', cache: denseCache('f32') })
  expect(distance(await session.prefill(text.slice(0, 24)), exact)).toBeGreaterThan(0.05)
  session.dispose()
  other.dispose()
})

function distance(a: Float32Array, b: Float32Array): number {
  const squares = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0)
  return Math.sqrt(squares(a.map((value, index) => value - (b[index] as number))) / squares(b))
}

test('a scale that is zero or no number is refused by its name, and a missing one too', async () => {
  const content = await folderContent(applied, subject, checkpoint, { config, activations: recipe.activations })
  const broken = 'model.layers.1.self_attn.o_proj.input_scale'
  const loaded = async (change: (tensor: TensorData) => readonly TensorData[]): Promise<unknown> =>
    load(
      await quantizedCheckpoint(
        await written(content.tensors.flatMap((tensor) => (tensor.name === broken ? change(tensor) : [tensor]))),
        content.config['quantization_config'],
      ),
    )
  for (const value of [0, Number.NaN, -1]) {
    await expect(
      loaded((tensor) => [{ ...tensor, bytes: new Uint8Array(Float32Array.of(value).buffer) }]),
    ).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining(`load: ${broken} must be positive and finite, but is ${value}`),
    })
  }
  await expect(loaded(() => [])).rejects.toMatchObject({
    code: 'invalid-file',
    message: expect.stringContaining(
      `${broken} is missing, but quantization_config says that inputs are rounded with static scales`,
    ),
  })
})

test('a model without scales is not run with static activations', async () => {
  const dynamic = await applyRecipe(
    subject,
    { ...recipe, activations: 'int8-token' },
    { device, calibration: { ids: text } },
  )
  expect(dynamic.inputScales.size).toBe(0)
  const content = await folderContent(dynamic, subject, checkpoint, { config, activations: 'int8-token' })
  const model = await load(
    await quantizedCheckpoint(await written(content.tensors), content.config['quantization_config']),
  )
  const session = createSession(model, { activations: 'int8-static' })
  await expect(session.prefill([5, 9])).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringContaining('the model was not calibrated for static activations'),
  })
  session.dispose()
  model.dispose()
})

test('GGUF files and the layouts of GPTQ and AWQ have no place for scales of inputs', async () => {
  await expect(
    folderContent(applied, subject, checkpoint, { config, layout: 'gptq', activations: recipe.activations }),
  ).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('the layout gptq has no place for the scales of static activations'),
  })
  const gguf = await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))
  await expect(writeGgufModel(applied, subject, gguf, bufferSink())).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('GGUF has no place for the scales of static activations'),
  })
})

test('weights of such a folder become a GGUF file or the subject of another recipe as those of any folder', async () => {
  const content = await folderContent(applied, subject, checkpoint, { config, activations: recipe.activations })
  const whole = await quantizedCheckpoint(await written(content.tensors), content.config['quantization_config'])
  expect(ggufContent({ checkpoint: whole, config: content.config, ...tokenizers }).tensors).toHaveLength(
    checkpoint.tensors.size,
  )
  expect([...subjectOf(whole, { families: [llamaFamily], config: content.config }).weights.keys()].sort()).toEqual(
    [...subject.weights.keys()].sort(),
  )
})

test('without a calibration text there are no scales', async () => {
  await expect(applyRecipe(subject, recipe, { device })).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringContaining('needs a calibration text'),
  })
})
