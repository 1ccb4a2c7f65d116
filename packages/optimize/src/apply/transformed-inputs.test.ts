import { readFile } from 'node:fs/promises'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import {
  bufferSink,
  bufferSource,
  type Checkpoint,
  type GgufCheckpoint,
  readGguf,
  readSafetensors,
  writeGguf,
  writeSafetensors,
} from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { createPlainMultiply, ggmlPackers, quantizedCheckpoint } from '@tessera-llm/quantization'
import { createWasmMultiply, quantizationWasm } from '@tessera-llm/quantization/wasm'
import { createSession, createTokenizerFromGguf, type Fields, llamaFamily, loadModel } from '@tessera-llm/runtime'
import { createReferenceDevice, type Device } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ggufContent, huggingFaceContent, safetensorsCheckpointOf } from '../convert/index.ts'
import { planNotes } from '../plan/index.ts'
import { recordModel } from '../program/index.ts'
import { parseRecipe, type Recipe } from '../recipe/index.ts'
import { type Subject, subjectOf } from '../subject/index.ts'
import { decodedCheckpoint, folderContent, writeGgufModel } from '../write/index.ts'
import { type Applied, applyRecipe } from './index.ts'

let device: Device
let reference: Device
let checkpoint: GgufCheckpoint
let subject: Subject
let ids: readonly number[]
let folder: Awaited<ReturnType<typeof huggingFaceContent>>
let stored: Checkpoint
let ofFolder: Subject
/** The rotated model with `down` in q8_0, and its file. */
let applied: Applied
let file: GgufCheckpoint
beforeAll(async () => {
  device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm], threads: 2 })
  reference = createReferenceDevice()
  checkpoint = await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))
  subject = subjectOf(checkpoint, { families: [llamaFamily] })
  ids = createTokenizerFromGguf(checkpoint.metadata as never).encode(
    'The whale is a great fish of the sea, and Congress shall make no law respecting it.',
    { addSpecial: false },
  )
  folder = await huggingFaceContent(checkpoint)
  stored = safetensorsCheckpointOf(folder.tensors)
  ofFolder = subjectOf(stored, { families: [llamaFamily], config: folder.config })
  applied = await apply(recipeOf(rotation, { ...int8, format: 'q8_0' }))
  file = await ggufOf(applied)
})
afterAll(() => device?.dispose())

const recipeOf = (...steps: object[]): Recipe => parseRecipe({ calibration: { windows: 2, window: 32 }, steps })
const rotation = { kind: 'rotate', heads: true, down: true }
/** A step with negligible effect, for recipes that are to rotate only. */
const kept = { kind: 'quantize', targets: 'layers.0.mlp.up', method: 'rtn', format: 'f32' }
const int8 = {
  kind: 'quantize',
  targets: 'layers.*.mlp.down',
  method: 'rtn',
  format: { bits: 8, group: 32, symmetric: true },
}
const apply = async (recipe: Recipe, of = subject): Promise<Applied> =>
  applyRecipe(of, recipe, { device, calibration: { ids }, solver: { multiply: await createWasmMultiply() } })

async function logitsOf(
  of: Checkpoint,
  {
    config,
    on = device,
    count = ids.length,
  }: { readonly config?: Fields; readonly on?: Device; readonly count?: number } = {},
): Promise<Float32Array> {
  const model = await loadModel(of, { device: on, packers: ggmlPackers, families: [llamaFamily], config })
  const session = createSession(model, { activations: 'f32', contextLength: 64 })
  const logits = (await session.prefill(ids.slice(0, count))).slice()
  model.dispose()
  return logits
}
function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length)
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0)
}
async function ggufOf(applied: Applied): Promise<GgufCheckpoint> {
  const sink = bufferSink()
  await writeGgufModel(applied, subject, checkpoint, sink)
  return readGguf(bufferSource(sink.bytes()))
}
async function folderOf(applied: Applied): Promise<{ readonly checkpoint: Checkpoint; readonly config: Fields }> {
  const content = await folderContent(applied, ofFolder, stored, { config: folder.config })
  const sink = bufferSink()
  await writeSafetensors({ tensors: content.tensors }, sink)
  const config = JSON.parse(JSON.stringify(content.config)) as Fields
  return {
    checkpoint: await quantizedCheckpoint(
      await readSafetensors(bufferSource(sink.bytes())),
      config['quantization_config'],
    ),
    config,
  }
}

describe('inputs of down that the model transforms', () => {
  test('leave its logits as they are on the reference device and on WebAssembly', async () => {
    const after = decodedCheckpoint(await apply(recipeOf(rotation, kept)), checkpoint.metadata)
    expect(largestDifference(await logitsOf(after), await logitsOf(checkpoint))).toBeLessThan(1e-4)
    expect(
      largestDifference(
        await logitsOf(after, { on: reference, count: 6 }),
        await logitsOf(checkpoint, { on: reference, count: 6 }),
      ),
    ).toBeLessThan(1e-4)
  })

  test('are what calibration sees: the op stands before down in the recorded model', async () => {
    const { subject: after } = applied
    const { steps, sites } = await recordModel(after, 4)
    const site = sites.find(({ name }) => name === 'layers.2.mlp.down')
    const producer = steps.find(({ outputs }) =>
      Object.values(outputs).some(({ memory }) => memory === site?.input.memory),
    )
    expect(producer).toMatchObject({ op: { id: 'hadamard' }, options: { block: after.config.downHadamard } })
  })

  test('are read from a GGUF file, in which other programs do not find down', async () => {
    const block = applied.subject.config.downHadamard
    expect(file.metadata['tessera.transform.mlp_down_input.hadamard']).toBe(block)
    expect(file.tensors.has('blk.0.ffn_down.weight')).toBe(false)
    expect(file.tensors.get('blk.0.ffn_down_hadamard.weight')?.format).toBe('q8_0')
    // Embedding and head are stored in f16 after the rotation: 2^-11 of logits of up to 20. Inputs without the
    // transform would change logits by several units.
    expect(
      largestDifference(await logitsOf(file), await logitsOf(decodedCheckpoint(applied, checkpoint.metadata))),
    ).toBeLessThan(20 * 2 ** -11)
    // Applies a recipe to the file, which finds the weights by their canonical names.
    const again = subjectOf(file, { families: [llamaFamily] })
    expect(again.config.downHadamard).toBe(block)
    expect(again.weights.has('layers.0.mlp.down')).toBe(true)
    await expect(apply(recipeOf(rotation, kept), again)).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('transformed already'),
    })
  })

  test('are missed where the key, the names or both are lost', async () => {
    const { 'tessera.transform.mlp_down_input.hadamard': _, ...metadata } = file.metadata
    await expect(logitsOf({ ...file, metadata })).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining('blk.0.ffn_down.weight is missing'),
    })
    await expect(logitsOf({ ...checkpoint, metadata: file.metadata })).rejects.toMatchObject({
      code: 'invalid-file',
      message: expect.stringContaining('blk.0.ffn_down_hadamard.weight is missing'),
    })
    await expect(
      logitsOf({ ...file, metadata: { ...file.metadata, 'tessera.transform.query': 1 } }),
    ).rejects.toMatchObject({ code: 'unsupported' })
    await expect(huggingFaceContent({ ...file, metadata }, { decode: true })).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('ffn_down_hadamard'),
    })
  })

  test('are read from a folder of compressed-tensors, and so is a folder without integers', async () => {
    const integers = await apply(recipeOf(rotation, int8), ofFolder)
    const block = integers.subject.config.downHadamard
    const written = await folderOf(integers)
    expect(written.config).toMatchObject({
      quantization_config: {
        quant_method: 'compressed-tensors',
        transform_config: { config_groups: { mlp_down_input: { type: 'hadamard' } } },
      },
    })
    const logits = await logitsOf(checkpoint)
    const rounding = largestDifference(await logitsOf(file), logits)
    expect(largestDifference(await logitsOf(written.checkpoint, written), logits)).toBeLessThan(2 * rounding)
    expect(subjectOf(written.checkpoint, { families: [llamaFamily], config: written.config }).config.downHadamard).toBe(
      block,
    )

    const dense = await folderOf(await apply(recipeOf(rotation, kept), ofFolder))
    expect(dense.config).toMatchObject({ quantization_config: { format: 'dense', config_groups: {} } })
    // Rotated weights are stored in f16.
    expect(largestDifference(await logitsOf(dense.checkpoint, dense), logits)).toBeLessThan(rounding)
  })

  test('go along when the file is converted', async () => {
    const expected = await logitsOf(file)
    const converted = await huggingFaceContent(file, { decode: true })
    expect(
      largestDifference(
        await logitsOf(safetensorsCheckpointOf(converted.tensors), { config: converted.config }),
        expected,
      ),
    ).toBeLessThan(1e-3)
    const sink = bufferSink()
    await writeGguf(ggufContent({ ...converted, checkpoint: safetensorsCheckpointOf(converted.tensors) }), sink)
    const back = await readGguf(bufferSource(sink.bytes()))
    expect(back.tensors.has('blk.0.ffn_down_hadamard.weight')).toBe(true)
    expect(largestDifference(await logitsOf(back), expected)).toBeLessThan(1e-3)
  })

  test('have no place in the layouts of GPTQ and AWQ, nor in a folder of decoded values', async () => {
    const integers = await apply(recipeOf(rotation, int8), ofFolder)
    await expect(
      folderContent(integers, ofFolder, stored, { config: folder.config, layout: 'gptq' }),
    ).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('use compressed-tensors, or rotate without down'),
    })
    expect(() => decodedCheckpoint(integers, {})).toThrow(expect.objectContaining({ code: 'unsupported' }))
  })

  test('are told of before anything is computed, and in the receipt', async () => {
    const expected = [
      expect.stringMatching(
        /multiplies the inputs of every mlp.down by Hadamard matrices of the order \d+ when it runs; other programs do not know that, and refuse the file/,
      ),
    ]
    expect(await planNotes(subject, recipeOf(rotation, int8))).toEqual(expected)
    expect(await planNotes(ofFolder, recipeOf(rotation, int8))).toEqual([expect.stringContaining('transform_config')])
    expect(await planNotes(subject, recipeOf({ kind: 'rotate' }, int8))).toEqual([])
    expect(
      (await applyRecipe(subject, recipeOf(rotation, kept), { device, solver: { multiply: createPlainMultiply() } }))
        .notes,
    ).toEqual(expected)
  })
})
