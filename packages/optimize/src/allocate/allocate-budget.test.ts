import { readFile } from 'node:fs/promises'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { measureDivergence } from '@tessera-llm/evaluation'
import {
  bufferSink,
  bufferSource,
  type GgufCheckpoint,
  readGguf,
  readSafetensors,
  writeSafetensors,
} from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { createDeviceEncoder, createDeviceRounder, ggmlPackers, quantizedCheckpoint } from '@tessera-llm/quantization'
import { createWasmMultiply, encodeBlocksWasm, quantizationWasm, roundGroupsWasm } from '@tessera-llm/quantization/wasm'
import {
  bertFamily,
  createSession,
  createTokenizerFromGguf,
  type Fields,
  llamaFamily,
  loadModel,
  type Session,
} from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { applyRecipe } from '../apply/index.ts'
import { huggingFaceContent, safetensorsCheckpointOf } from '../convert/index.ts'
import { planRecipe } from '../plan/index.ts'
import type { Solver } from '../quantize/index.ts'
import { parseRecipe, type Recipe } from '../recipe/index.ts'
import { memoryStore } from '../store/index.ts'
import { type Subject, subjectOf } from '../subject/index.ts'
import { folderContent, writeGgufModel } from '../write/index.ts'
import {
  allocateBudget,
  type AllocateOptions,
  type BudgetAllocation,
  type FileSize,
  folderSize,
  ggufFileSize,
  hasBudget,
  jsonBytes,
} from './index.ts'

let device: Device
let checkpoint: GgufCheckpoint
let subject: Subject
let file: FileSize
let original: Session
let ids: readonly number[]
let solver: Solver
const text =
  'The President of the United States is the head of the Government, and the whale was a great fish of the sea. Congress shall make no law respecting it. '
beforeAll(async () => {
  device = await createWasmDevice({
    kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm, encodeBlocksWasm, roundGroupsWasm],
    threads: 1,
  })
  checkpoint = await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))
  subject = subjectOf(checkpoint, { families: [llamaFamily] })
  file = ggufFileSize(subject, checkpoint)
  original = await sessionOf(checkpoint)
  solver = {
    multiply: await createWasmMultiply(),
    encode: createDeviceEncoder(device),
    round: createDeviceRounder(device),
  }
  ids = createTokenizerFromGguf(checkpoint.metadata).encode(text.repeat(12), { addSpecial: false })
})
afterAll(() => device?.dispose())

const recipeOf = (...steps: object[]): Recipe => parseRecipe({ calibration: { windows: 4, window: 32 }, steps })
const budgetOf = (size: string | number, more: object = {}): Recipe =>
  recipeOf({ kind: 'budget', size, method: 'rtn', formats: ['q8_0', 'q5_0', 'q4_0', 'mxfp4', 'q2_k'], ...more })
/** Shares the measurements among tests with the same formats. */
const kept = memoryStore()
const allocated = (recipe: Recipe, options: Partial<AllocateOptions> = {}): Promise<BudgetAllocation> =>
  allocateBudget(subject, recipe, { device, calibration: { ids }, file, solver, store: kept, ...options })

async function sessionOf(of: GgufCheckpoint): Promise<Session> {
  return createSession(await loadModel(of, { device, packers: ggmlPackers, families: [llamaFamily] }), {
    activations: 'f32',
  })
}
async function fileOf(recipe: Recipe): Promise<Uint8Array<ArrayBuffer>> {
  const applied = await applyRecipe(subject, recipe, { device, calibration: { ids }, solver })
  const sink = bufferSink()
  await writeGgufModel(applied, subject, checkpoint, sink)
  return sink.bytes()
}
/** Divergence on text outside of the calibration. */
const lost = async (bytes: Uint8Array<ArrayBuffer>): Promise<number> => {
  const session = await sessionOf(await readGguf(bufferSource(bytes)))
  return (await measureDivergence(original, session, ids.slice(128), { window: 32, windows: 6, protocol: 'all' })).kld
}

test.each(['mxfp4', 'q4_0', 'q5_0'])(
  'at the bytes of %s for all, no more is lost than by that, and the file has the bytes that were promised',
  async (format) => {
    const uniform = await fileOf(
      recipeOf(
        { kind: 'quantize', method: 'rtn', format, importance: true },
        { kind: 'quantize', targets: 'embedding', method: 'rtn', format },
      ),
    )
    const { recipe, bytes, budget, loss, lowerBound, weights } = await allocated(budgetOf(uniform.length))
    const made = await fileOf(recipe)
    expect(made.length).toBe(bytes)
    expect(bytes).toBeLessThanOrEqual(budget)
    // The smallest step from q4_0 to q5_0, that of a key, takes 8 kB.
    expect(bytes).toBeGreaterThan(budget - 8192)
    expect(new Set(weights.map(({ format: each }) => each)).size).toBeGreaterThan(1)
    expect(loss).toBeLessThanOrEqual(lowerBound * 1.001)
    expect(await lost(made)).toBeLessThan(await lost(uniform))
  },
)

test('the recipe that comes out is ordinary, and the same again', async () => {
  const open = budgetOf('1.6MB')
  expect(hasBudget(open)).toBe(true)
  const { recipe, bytes } = await allocated(open)
  expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe)
  expect(hasBudget(recipe)).toBe(false)
  const plan = planRecipe(subject, recipe)
  expect(plan.tensors.filter(({ method }) => method === 'rtn')).toHaveLength(43)
  expect(bytes).toBeLessThanOrEqual(1_600_000)
  expect((await allocated(open, { store: memoryStore() })).recipe).toEqual(recipe)
  const steps = (await allocated(budgetOf('1.6MB', { method: 'gptq', correct: true }))).recipe.steps
  expect(steps.filter((step) => step.kind === 'quantize' && step.method === 'rtn')).toMatchObject([
    { targets: ['embedding'] },
  ])
  expect(steps.find((step) => step.kind === 'quantize' && step.method === 'gptq')).toMatchObject({ correct: true })
})

test('what was measured is kept for the next run, of another size too; and thrown away for another text', async () => {
  const seen: number[] = []
  const counted = { onProgress: () => void seen.push(1) }
  const first = await allocated(budgetOf('1.7MB'), counted)
  seen.length = 0
  expect(await allocated(budgetOf('1.7MB'), counted)).toEqual(first)
  expect((await allocated(budgetOf('1.8MB'), counted)).bytes).toBeGreaterThan(first.bytes)
  expect(seen).toEqual([])
  await allocated(budgetOf('1.7MB'), { ...counted, identity: 'another text' })
  expect(seen.length).toBeGreaterThan(0)
  seen.length = 0
  await allocated(budgetOf('1.7MB', { method: 'gptq' }), { ...counted, identity: 'another text' })
  expect(seen.length).toBeGreaterThan(0)
})

test('interrupted on the way, it goes on with the same choice and the same bytes', async () => {
  const store = memoryStore()
  const open = budgetOf('4.6MB', { formats: ['q5_0', 'q4_0', 'mxfp4'], targets: ['layers.0.**', 'layers.1.mlp.*'] })
  const abort = new AbortController()
  await expect(
    allocated(open, { store, signal: abort.signal, onProgress: (done, total) => done > 0.8 * total && abort.abort() }),
  ).rejects.toThrow(/aborted by the caller after 10 of 10 weights/)
  const { recipe } = await allocated(open, { store })
  const work = memoryStore()
  const stop = new AbortController()
  const options = { device, calibration: { ids }, solver }
  const whole = await applyRecipe(subject, recipe, options)
  await expect(
    applyRecipe(subject, recipe, {
      ...options,
      store: work,
      signal: stop.signal,
      onProgress: ({ what }) => what === 'layers.0.mlp.up' && stop.abort(),
    }),
  ).rejects.toThrow(/aborted/)
  const again = await applyRecipe(subject, (await allocated(open, { store })).recipe, { ...options, store: work })
  expect(again.resumed).toBeGreaterThan(2)
  for (const name of whole.assignments.keys()) expect(await again.weight(name), name).toEqual(await whole.weight(name))
})

test('weights stay as they are where the budget holds them, and where a later step decides', async () => {
  const all = await allocated(budgetOf('5.6MB'))
  expect(all).toMatchObject({ loss: 0, recipe: { steps: [] } })
  const fixed = recipeOf(
    {
      kind: 'budget',
      size: '4.75MB',
      method: 'rtn',
      formats: ['q5_0', 'q4_0', 'mxfp4'],
      targets: ['embedding', 'layers.0.**'],
    },
    { kind: 'quantize', targets: 'embedding', method: 'rtn', format: 'q8_0' },
  )
  const { recipe, weights, bytes } = await allocated(fixed)
  expect(weights.map(({ name }) => name)).not.toContain('embedding')
  expect(weights.some(({ format }) => format !== undefined)).toBe(true)
  expect((await fileOf(recipe)).length).toBe(bytes)
})

test('a rotated model, whose head is a weight of its own', async () => {
  const { recipe, weights, bytes } = await allocated(
    recipeOf(
      { kind: 'rotate' },
      {
        kind: 'budget',
        size: '5.4MB',
        formats: ['q8_0', 'q5_0', 'q4_0'],
        method: 'rtn',
        targets: ['head', 'layers.5.**'],
      },
    ),
  )
  expect(weights.map(({ name }) => name)).toContain('head')
  expect(recipe.steps[0]).toEqual({ kind: 'rotate' })
  expect((await fileOf(recipe)).length).toBe(bytes)
})

test('as a folder: integers of several widths, the embedding too, in the bytes that were promised', async () => {
  const { tensors, config } = await huggingFaceContent(checkpoint)
  const stored = safetensorsCheckpointOf(tensors)
  const before = subjectOf(stored, { families: [llamaFamily], config })
  const folder = folderSize(before, stored, { config, otherBytes: 1000 })
  const open = recipeOf({
    kind: 'budget',
    size: '1.3MB',
    method: 'rtn',
    formats: [
      { bits: 2, group: 64 },
      { bits: 3, group: 64 },
      { bits: 4, group: 32, symmetric: true },
      { bits: 8, group: 64, symmetric: true },
    ],
  })
  const { recipe, bytes, weights } = await allocateBudget(before, open, {
    device,
    calibration: { ids },
    file: folder,
    solver,
  })
  expect(recipe.layout).toBe('compressed-tensors')
  expect(new Set(weights.map(({ format }) => JSON.stringify(format))).size).toBeGreaterThan(2)
  const content = await folderContent(
    await applyRecipe(before, recipe, { device, calibration: { ids }, solver }),
    before,
    stored,
    { config, layout: recipe.layout },
  )
  const sink = bufferSink()
  await writeSafetensors({ tensors: content.tensors, metadata: { format: 'pt' } }, sink)
  expect(sink.bytes().length + jsonBytes(content.config) + 1000).toBe(bytes)
  expect(bytes).toBeLessThanOrEqual(1_300_000)
  expect(bytes).toBeGreaterThan(1_300_000 - 8192)
  const read = await quantizedCheckpoint(
    await readSafetensors(bufferSource(sink.bytes())),
    content.config['quantization_config'],
  )
  const loaded = createSession(
    await loadModel(read, { device, packers: ggmlPackers, families: [llamaFamily], config: content.config }),
    { activations: 'f32' },
  )
  expect(
    (await measureDivergence(original, loaded, ids.slice(128), { window: 32, windows: 2, protocol: 'all' })).kld,
  ).toBeLessThan(1)
  await expect(
    allocateBudget(before, { ...open, layout: 'gptq' }, { device, calibration: { ids }, file: folder }),
  ).rejects.toThrow('budget: the gptq layout has one format for all weights')
})

test('refuses what cannot be', async () => {
  await expect(allocated(budgetOf('1MB'))).rejects.toThrow(
    /^budget: 1MB \(1000000 bytes\) cannot be met: with the smallest formats the file takes 1\d{6} bytes \(left out for some weights: q2_k: .*192.*\)\. Set the size to at least 1\.\dMB, or offer smaller formats$/,
  )
  await expect(
    allocated(recipeOf({ kind: 'rotate' }, { kind: 'budget', size: '2MB', formats: ['q2_k'] })),
  ).rejects.toThrow(
    /^budget: embedding cannot be stored in any of the formats \(q2_k: .*192.*\); offer others in "formats"$/,
  )
  await expect(allocated(budgetOf('2MB'), { calibration: undefined })).rejects.toThrow(
    'budget: what each weight is worth is measured on a text; give a calibration text',
  )
  await expect(allocated(budgetOf('2MB'), { calibration: { ids: ids.slice(0, 40) } })).rejects.toThrow(
    '4 windows of 32 tokens need 128 tokens, but the text has 40',
  )
  await expect(allocated(recipeOf({ kind: 'rotate' }))).rejects.toThrow('budget: the recipe has no budget step')
  await expect(applyRecipe(subject, budgetOf('2MB'), { device, calibration: { ids } })).rejects.toThrow(
    'recipe: the budget of 2MB is not allocated yet; call allocateBudget',
  )
  await expect(allocated(budgetOf('2MB'), { store: memoryStore(), signal: AbortSignal.abort() })).rejects.toThrow(
    /budget: aborted by the caller after 0 of \d+ weights/,
  )
  const golden = (name: string): URL =>
    new URL(`../../../runtime/test/golden/architectures/bert/${name}`, import.meta.url)
  const config = JSON.parse(await readFile(golden('config.json'), 'utf8')) as Fields
  const encoder = subjectOf(await readSafetensors(bufferSource(await readFile(golden('model.safetensors')))), {
    families: [],
    encoderFamilies: [bertFamily],
    config,
  })
  await expect(allocateBudget(encoder, budgetOf('2MB'), { device, calibration: { ids }, file })).rejects.toThrow(
    'budget: losses are measured on the logits of a language model, and this is a sentence encoder',
  )
})
