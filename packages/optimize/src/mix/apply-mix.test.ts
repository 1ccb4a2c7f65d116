import { readFile } from 'node:fs/promises'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { measureDivergence } from '@tessera-llm/evaluation'
import { bufferSink, bufferSource, type GgufCheckpoint, readGguf } from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { ggmlPackers } from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { createSession, createTokenizerFromGguf, llamaFamily, loadModel, type Session } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Applied, applyRecipe } from '../apply/index.ts'
import { planNotes, planRecipe } from '../plan/index.ts'
import { parseRecipe, type Recipe } from '../recipe/index.ts'
import { createSolver } from '../solver/create-solver.ts'
import { type Subject, subjectOf } from '../subject/index.ts'
import { writeGgufModel } from '../write/index.ts'

// Six layers with rows of 192 and, for `down`, of 512; the head is tied.
let device: Device
let checkpoint: GgufCheckpoint
let subject: Subject
let original: Session
let ids: readonly number[]
const text =
  'The President of the United States is the head of the Government, and the whale was a great fish of the sea. Congress shall make no law respecting it. '
beforeAll(async () => {
  device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm], threads: 2 })
  checkpoint = await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))
  subject = subjectOf(checkpoint, { families: [llamaFamily] })
  original = await sessionOf(checkpoint)
  ids = createTokenizerFromGguf(checkpoint.metadata as never).encode(text.repeat(8), { addSpecial: false })
})
afterAll(() => device?.dispose())

async function sessionOf(of: GgufCheckpoint): Promise<Session> {
  return createSession(await loadModel(of, { device, packers: ggmlPackers, families: [llamaFamily] }), {
    activations: 'f32',
  })
}
const recipeOf = (step: object): Recipe =>
  parseRecipe({ calibration: { windows: 4, window: 32 }, steps: [{ kind: 'mix', mix: 'q4_k_m', ...step }] })

async function written(recipe: Recipe): Promise<{ readonly applied: Applied; readonly file: GgufCheckpoint }> {
  const solver = await createSolver({ threads: 1 })
  const applied = await applyRecipe(subject, recipe, { device, solver, calibration: { ids } })
  const sink = bufferSink()
  await writeGgufModel(applied, subject, checkpoint, sink)
  await solver.dispose()
  return { applied, file: await readGguf(bufferSource(sink.bytes())) }
}
async function lossOf(file: GgufCheckpoint): Promise<number> {
  const session = await sessionOf(file)
  const { kld } = await measureDivergence(original, session, ids.slice(128), {
    window: 32,
    windows: 4,
    protocol: 'all',
  })
  session.dispose()
  return kld
}

test('a mix becomes a file of its types, says so in the plan, and which it is in the file', async () => {
  const recipe = recipeOf({})
  const { applied, file } = await written(recipe)
  const types = [...file.tensors.values()].filter(({ shape }) => shape.length === 2)
  expect(Object.fromEntries(types.flatMap(({ name, format }) => (format === 'q5_0' ? [] : [[name, format]])))).toEqual({
    'token_embd.weight': 'q8_0',
    'blk.2.attn_v.weight': 'q8_0',
    'blk.5.attn_v.weight': 'q8_0',
    'blk.0.ffn_down.weight': 'q4_k',
    'blk.1.ffn_down.weight': 'q4_k',
    'blk.2.ffn_down.weight': 'q6_k',
    'blk.3.ffn_down.weight': 'q4_k',
    'blk.4.ffn_down.weight': 'q4_k',
    'blk.5.ffn_down.weight': 'q6_k',
  })
  expect(file.metadata['general.file_type']).toBe(15)
  const plan = planRecipe(subject, recipe)
  expect(plan.tensors.filter(({ method }) => method === 'rtn').map(({ after }) => after.format)).toEqual(
    types.map(({ format }) => format),
  )
  const told = 'q4_k_m: 37 of 43 matrices have rows that are no whole blocks, and become '
  expect(applied.notes).toEqual([expect.stringContaining(told)])
  expect(await planNotes(subject, recipe)).toEqual(applied.notes)
  expect(applied.notes[0]).toMatch(/q8_0 in place of q6_k/)
  expect(applied.notes[0]).toMatch(/q5_0 in place of q4_k/)
})

test('an importance matrix and GPTQ lose less than rounding alone; the embedding is rounded alone with all', async () => {
  const steps = [{}, { importance: true }, { method: 'gptq', correct: true }]
  const targets = ['embedding', 'layers.*.mlp.down']
  const files: GgufCheckpoint[] = []
  const losses: number[] = []
  for (const step of steps) {
    const { file } = await written(recipeOf({ mix: 'q3_k_m', targets, ...step }))
    files.push(file)
    losses.push(await lossOf(file))
  }
  const [plain = 0, weighed = 0, fedBack = 0] = losses
  expect(weighed).toBeLessThan(plain)
  expect(fedBack).toBeLessThan(plain)
  const embeddings = await Promise.all(files.map(async ({ tensors }) => tensors.get('token_embd.weight')?.read()))
  expect(embeddings[1]).toEqual(embeddings[0])
  expect(embeddings[2]).toEqual(embeddings[0])
})

test('targets narrow a mix, whose rule still goes by all layers; a later step has the last word', async () => {
  const { tensors } = planRecipe(subject, {
    steps: [
      { kind: 'mix', mix: 'q4_k_m', targets: ['layers.*.mlp.down', 'layers.5.attention.*'] },
      { kind: 'quantize', method: 'rtn', format: 'q8_0', targets: 'layers.5.attention.output' },
    ],
  })
  const changed = tensors.filter(({ method }) => method !== undefined)
  expect(Object.fromEntries(changed.map(({ name, after }) => [name, after.format]))).toEqual({
    'layers.0.mlp.down': 'q4_k',
    'layers.1.mlp.down': 'q4_k',
    'layers.2.mlp.down': 'q6_k',
    'layers.3.mlp.down': 'q4_k',
    'layers.4.mlp.down': 'q4_k',
    'layers.5.mlp.down': 'q6_k',
    'layers.5.attention.query': 'q5_0',
    'layers.5.attention.key': 'q5_0',
    'layers.5.attention.value': 'q8_0',
    'layers.5.attention.output': 'q8_0',
  })
  expect(() => planRecipe(subject, recipeOf({ targets: 'layers.*.mlp_norm' }))).toThrow(
    'match no linear layer of a block, no embedding and no head',
  )
})

test('a head that a rotation made a weight of its own: the embedding has the type of the name', () => {
  const { tensors } = planRecipe(subject, { steps: [{ kind: 'rotate' }, { kind: 'mix', mix: 'q5_k_m' }] })
  const formats = new Map(tensors.map(({ name, after }) => [name, after.format]))
  expect([formats.get('embedding'), formats.get('head')]).toEqual(['q5_1', 'q8_0'])
})
