import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { measureDivergence } from '@tessera-llm/evaluation'
import { bufferSink, bufferSource, type GgufCheckpoint, readGguf, readSafetensors } from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { createDeviceEncoder, createDeviceGptq, createDeviceRounder, ggmlPackers } from '@tessera-llm/quantization'
import {
  createWasmEncoder,
  createWasmMultiply,
  encodeBlocksWasm,
  quantizationWasm,
  roundGroupsWasm,
  sweepRowsWasm,
} from '@tessera-llm/quantization/wasm'
import { createSession, createTokenizerFromGguf, llamaFamily, loadModel, type Session } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { calibrate, readCalibration } from '../calibration/index.ts'
import type { Solver } from '../quantize/index.ts'
import { parseRecipe, type Recipe } from '../recipe/index.ts'
import { folderStore } from '../store/folder-store.ts'
import { memoryStore } from '../store/index.ts'
import { type Subject, subjectOf } from '../subject/index.ts'
import { decodedCheckpoint, writeGgufModel } from '../write/index.ts'
import { type Applied, applyRecipe, type ApplyOptions } from './index.ts'
import { serializeWeight } from './stored-weight.ts'

let device: Device
let checkpoint: GgufCheckpoint
let subject: Subject
let original: Session
let ids: readonly number[]
let solver: Solver
const text =
  'The President of the United States is the head of the Government, and the whale was a great fish of the sea. Congress shall make no law respecting it. '
beforeAll(async () => {
  device = await createWasmDevice({
    kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm, encodeBlocksWasm, roundGroupsWasm, sweepRowsWasm],
    threads: 2,
  })
  checkpoint = await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))
  subject = subjectOf(checkpoint, { families: [llamaFamily] })
  original = await sessionOf(checkpoint)
  solver = {
    multiply: await createWasmMultiply(),
    gptq: createDeviceGptq(device),
    encode: createDeviceEncoder(device),
    round: createDeviceRounder(device),
    encodeNow: await createWasmEncoder(),
  }
  ids = createTokenizerFromGguf(checkpoint.metadata as never).encode(text.repeat(8), { addSpecial: false })
})
afterAll(() => device?.dispose())

async function sessionOf(of: Parameters<typeof loadModel>[0]): Promise<Session> {
  return createSession(await loadModel(of, { device, packers: ggmlPackers, families: [llamaFamily] }), {
    activations: 'f32',
  })
}
const recipeOf = (...steps: object[]): Recipe => parseRecipe({ calibration: { windows: 4, window: 32 }, steps })
const apply = (recipe: Recipe, options: Partial<ApplyOptions> = {}): Promise<Applied> =>
  applyRecipe(subject, recipe, { device, calibration: { ids }, solver, ...options })
const divergence = async (compressed: Session): Promise<number> =>
  (await measureDivergence(original, compressed, ids.slice(128), { window: 32, windows: 4, protocol: 'all' })).kld

/** The GGUF file of a result. */
async function fileOf(applied: Applied): Promise<Uint8Array<ArrayBuffer>> {
  const sink = bufferSink()
  await writeGgufModel(applied, subject, checkpoint, sink)
  return sink.bytes()
}
/** Every result in serialized form. */
async function codesOf(applied: Applied): Promise<string[]> {
  return Promise.all(
    [...applied.assignments.keys()].map(async (name) =>
      createHash('sha256')
        .update(await serializeWeight(await applied.weight(name)))
        .digest('hex'),
    ),
  )
}
const int3 = { bits: 3, group: 32 }

test('a rotation alone changes every weight of the blocks and not what the model says', async () => {
  const applied = await apply(
    recipeOf(
      { kind: 'rotate', heads: true },
      { kind: 'quantize', targets: 'layers.0.mlp.down', method: 'rtn', format: 'f32' },
    ),
  )
  expect(applied.subject.weights.get('head')?.storedName).toBe('output.weight')
  const before = await subject.weights.get('layers.3.attention.output')?.read()
  expect(await applied.subject.weights.get('layers.3.attention.output')?.read()).not.toEqual(before)
  expect(await divergence(await sessionOf(decodedCheckpoint(applied, checkpoint.metadata)))).toBeLessThan(1e-7)
})

test('norms merged into the layers that read them: norms of ones, layers that write as they were, the same function', async () => {
  const applied = await apply(
    recipeOf(
      { kind: 'rotate', matrix: 'identity' },
      { kind: 'quantize', targets: 'layers.0.mlp.down', method: 'rtn', format: 'f32' },
    ),
  )
  const read = (name: string) => applied.subject.weights.get(name)?.read()
  expect(new Set(await read('layers.3.attention_norm'))).toEqual(new Set([1]))
  expect(await read('layers.3.attention.output')).toEqual(
    await subject.weights.get('layers.3.attention.output')?.read(),
  )
  expect(await read('layers.3.attention.query')).not.toEqual(
    await subject.weights.get('layers.3.attention.query')?.read(),
  )
  expect(await divergence(await sessionOf(decodedCheckpoint(applied, checkpoint.metadata)))).toBeLessThan(1e-7)
  await expect(
    apply(
      recipeOf(
        { kind: 'rotate', matrix: 'identity', heads: true },
        { kind: 'quantize', method: 'rtn', format: 'q8_0' },
      ),
    ),
  ).rejects.toThrow('with the matrix `identity` rotates nothing')
})

test('what is lost: gptq less than rounding to nearest, and less still in a rotated stream with its target corrected', async () => {
  const lost: number[] = []
  for (const recipe of [
    recipeOf({ kind: 'quantize', method: 'rtn', format: int3 }),
    recipeOf({ kind: 'quantize', method: 'gptq', format: int3 }),
    recipeOf({ kind: 'rotate' }, { kind: 'quantize', method: 'gptq', format: int3, correct: true }),
  ]) {
    lost.push(await divergence(await sessionOf(decodedCheckpoint(await apply(recipe), checkpoint.metadata))))
  }
  const [rtn = 0, gptq = 0, rotated = 0] = lost
  expect(gptq, JSON.stringify(lost)).toBeLessThan(0.8 * rtn)
  expect(rotated, JSON.stringify(lost)).toBeLessThan(0.9 * gptq)
})

describe('GGUF', () => {
  test.each(['q4_0', 'q5_1'])(
    'gptq onto %s: the file loads and says what the calibrated values say',
    async (format) => {
      const applied = await apply(recipeOf({ kind: 'quantize', targets: 'layers.2.**', method: 'gptq', format }))
      const read = await readGguf(bufferSource(await fileOf(applied)))
      expect(read.tensors.get('blk.2.ffn_up.weight')?.format).toBe(format)
      expect(read.tensors.get('token_embd.weight')?.format).toBe('f16')
      const decoded = await divergence(await sessionOf(decodedCheckpoint(applied, checkpoint.metadata)))
      expect((await divergence(await sessionOf(read))) / decoded).toBeCloseTo(1, 2)
    },
  )

  test('statistics from a file: near to what going layer by layer gives', async () => {
    const recipe = recipeOf({ kind: 'quantize', method: 'gptq', format: int3 })
    const sink = bufferSink()
    await calibrate(subject, { ids }, sink, { device, windows: 4, window: 32 })
    const statistics = readCalibration(await readSafetensors(bufferSource(sink.bytes())))
    const lost = async (options: Partial<ApplyOptions>): Promise<number> =>
      divergence(await sessionOf(decodedCheckpoint(await apply(recipe, options), checkpoint.metadata)))
    const ratio = (await lost({ statistics })) / (await lost({}))
    expect(ratio).toBeGreaterThan(0.8)
    expect(ratio).toBeLessThan(1.6)
  })

  test('importance weighs the errors of ggml types', async () => {
    const lost = async (importance: boolean): Promise<number> =>
      divergence(
        await sessionOf(
          await readGguf(
            bufferSource(
              await fileOf(await apply(recipeOf({ kind: 'quantize', method: 'rtn', format: 'q4_0', importance }))),
            ),
          ),
        ),
      )
    expect(await lost(true)).toBeLessThan(await lost(false))
  })

  test('integers in groups have no type there', async () => {
    await expect(
      fileOf(await apply(recipeOf({ kind: 'quantize', targets: 'layers.0.mlp.up', method: 'rtn', format: int3 }))),
    ).rejects.toThrow(
      'layers.0.mlp.up is to become int3 of 32, for which GGUF has no type; use a ggml type such as q4_0',
    )
  })
})

test('blocks that the device makes are those of the plain encoder', async () => {
  const recipe = recipeOf(
    { kind: 'quantize', targets: 'layers.0.attention.query', method: 'rtn', format: 'q5_1', importance: true },
    { kind: 'quantize', targets: 'layers.0.mlp.down', method: 'rtn', format: 'q4_k' },
  )
  expect(await codesOf(await apply(recipe))).toEqual(
    await codesOf(await apply(recipe, { solver: { ...solver, encode: undefined } })),
  )
})

describe('interrupted', () => {
  const recipe = recipeOf(
    { kind: 'rotate' },
    {
      kind: 'quantize',
      targets: ['layers.0.**', 'layers.1.attention.*'],
      method: 'gptq',
      format: { bits: 4, group: 32 },
      correct: true,
    },
  )

  test('a run goes on where it was and gives the same bytes; the store of another recipe is thrown away', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tessera-work-'))
    try {
      const expected = await codesOf(await apply(recipe))
      const abort = new AbortController()
      const stopped = apply(recipe, {
        store: folderStore(folder),
        signal: abort.signal,
        onProgress: ({ what }) => what === 'layers.0.mlp.down' && abort.abort(),
      })
      await expect(stopped).rejects.toThrow(
        /optimize: aborted by the caller after \d+ of 11 weights; run it again to go on/,
      )
      const again = await apply(recipe, { store: folderStore(folder) })
      expect(again.resumed).toBeGreaterThan(3)
      expect(await codesOf(again)).toEqual(expected)
      const other = await apply({ ...recipe, seed: 1 }, { store: folderStore(folder) })
      expect(other.resumed).toBe(0)
      expect(await codesOf(other)).not.toEqual(expected)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('progress goes up to the whole', async () => {
    const seen: number[] = []
    // No text is sent through the model: hqq needs no statistics.
    await apply(
      recipeOf(
        { kind: 'quantize', targets: 'layers.0.mlp.*', method: 'hqq', format: int3 },
        { kind: 'quantize', targets: 'layers.1.attention.*', method: 'gptq', format: int3 },
      ),
      { onProgress: ({ done, total }) => seen.push(done / total) },
    )
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(seen.at(-1)).toBeCloseTo(1, 12)
  })
})

describe('refuses', () => {
  test.each([
    [{ kind: 'quantize', method: 'gptq', format: 'q4_k' }, /cannot be stored as "q4_k"/],
    [
      { kind: 'quantize', method: 'hqq', format: 'q5_0' },
      'hqq rounds to integers in groups such as { bits: 4, group: 64 }, not to q5_0; use rtn or gptq',
    ],
    [
      { kind: 'quantize', method: 'rtn', format: 'q4_0', compensateBias: true },
      'compensateBias is for layers that have a bias, and none of those that the step names has one',
    ],
    [{ kind: 'quantize', method: 'rtn', format: 'q4_0', targets: 'norm' }, /match no matrix of this model/],
    [
      { kind: 'quantize', method: 'rtn', format: 'q4_0', targets: 'layer.*' },
      /matches no weight of this model; its names are like embedding/,
    ],
  ])('%j', async (step, message) => {
    await expect(apply(recipeOf(step))).rejects.toThrow(message)
  })

  test('a text that is missing or too short, and windows beyond the context', async () => {
    const gptq = recipeOf({ kind: 'quantize', method: 'gptq', format: 'q4_0' })
    await expect(apply(gptq, { calibration: undefined })).rejects.toThrow(
      'this recipe looks at activations and needs a calibration text',
    )
    await expect(apply(gptq, { calibration: { ids: ids.slice(0, 100) } })).rejects.toThrow(
      '4 windows of 32 tokens need 128 tokens, but the text has 100; give a longer text, or set calibration.windows to at most 3',
    )
    await expect(apply(gptq, { calibration: { ids: ids.slice(0, 20) } })).rejects.toThrow(
      'the text has 20; give a longer text, or fewer and shorter windows',
    )
    const none = { sites: [], statisticsOf: async () => ({ columns: 1, count: 1 }) }
    await expect(
      apply(recipeOf({ kind: 'rotate' }, { kind: 'quantize', method: 'gptq', format: 'q4_0' }), { statistics: none }),
    ).rejects.toThrow(
      'statistics of the uncompressed model serve neither recipes that rotate or scale it nor `correct`',
    )
    await expect(apply({ ...gptq, calibration: { window: 512 } })).rejects.toThrow(
      'a window of 512 tokens exceeds the context of the model, 256',
    )
  })

  test('weights that are no numbers, by name, and a store that belongs to nobody', async () => {
    const damaged: Subject = {
      ...subject,
      weights: new Map(
        [...subject.weights].map(([name, weight]) => [
          name,
          name === 'layers.0.mlp.up'
            ? { ...weight, read: async () => (await weight.read()).fill(Number.NaN, 7, 8) }
            : weight,
        ]),
      ),
    }
    await expect(
      applyRecipe(damaged, recipeOf({ kind: 'quantize', method: 'rtn', format: 'q4_0' }), { device }),
    ).rejects.toThrow(/NaN/)
    await expect(
      (
        await apply(recipeOf({ kind: 'quantize', targets: 'layers.0.mlp.up', method: 'rtn', format: 'q4_0' }), {
          store: memoryStore(),
        })
      ).weight('head'),
    ).rejects.toThrow('head was not compressed by this recipe')
  })
})
