import { readFile } from 'node:fs/promises'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { measureDivergence } from '@tessera-llm/evaluation'
import { bufferSource, type Checkpoint, readGguf, readSafetensors } from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { createWasmGptqKernel, createWasmMultiply, quantizationWasm } from '@tessera-llm/quantization/wasm'
import {
  bertFamily,
  createSession,
  createTokenizerFromGguf,
  type Fields,
  gemmaFamily,
  llamaFamily,
  loadEncoder,
  loadModel,
  packSequences,
  type Session,
} from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Solver } from '../quantize/index.ts'
import { parseRecipe, type Recipe } from '../recipe/index.ts'
import { memoryStore } from '../store/index.ts'
import { type Subject, subjectOf } from '../subject/index.ts'
import { decodedCheckpoint } from '../write/index.ts'
import { type Applied, applyRecipe } from './index.ts'

let device: Device
let solver: Solver
beforeAll(async () => {
  device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm], threads: 2 })
  solver = { multiply: await createWasmMultiply(), kernel: await createWasmGptqKernel(512) }
})
afterAll(() => device?.dispose())

const golden = (architecture: string, file: string): URL =>
  new URL(`../../../runtime/test/golden/architectures/${architecture}/${file}`, import.meta.url)

interface Opened {
  readonly subject: Subject
  readonly checkpoint: Checkpoint
  readonly config: Fields | undefined
}

async function open(architecture: string): Promise<Opened> {
  const families = [llamaFamily, gemmaFamily]
  if (architecture === 'tiny') {
    const checkpoint = await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))
    return { checkpoint, config: undefined, subject: subjectOf(checkpoint, { families }) }
  }
  const config = JSON.parse(await readFile(golden(architecture, 'config.json'), 'utf8')) as Fields
  const checkpoint = await readSafetensors(bufferSource(await readFile(golden(architecture, 'model.safetensors'))))
  return { checkpoint, config, subject: subjectOf(checkpoint, { families, encoderFamilies: [bertFamily], config }) }
}

const text = Array.from({ length: 128 }, (_, index) => 3 + ((index * 37) % 90))
const recipeOf = (...steps: object[]): Recipe => parseRecipe({ calibration: { windows: 4, window: 16 }, steps })
const few = ['layers.0.**', 'layers.1.**']
const int4 = { kind: 'quantize', targets: few, method: 'rtn', format: { bits: 4, group: 32 } }

async function sessionOf(checkpoint: Checkpoint, config?: Fields): Promise<Session> {
  return createSession(
    await loadModel(checkpoint, { device, packers: [], families: [llamaFamily, gemmaFamily], config }),
    { activations: 'f32' },
  )
}

/** Logits of a model on a few tokens. */
async function logitsOf(checkpoint: Checkpoint, config: Fields | undefined): Promise<Float32Array> {
  const session = await sessionOf(checkpoint, config)
  const logits = await session.prefill([5, 9, 2, 70, 31, 8])
  session.dispose()
  return logits
}

/** The result with every weight scaled and none rounded. */
const unrounded = (applied: Applied): Applied => ({ ...applied, assignments: new Map() })
const changedIn = ({ subject }: Applied, original: Subject): string[] =>
  [...subject.weights].filter(([name, weight]) => weight !== original.weights.get(name)).map(([name]) => name)

const blocks = [
  'attention.query',
  'attention.key',
  'attention.value',
  'attention.output',
  'mlp.gate',
  'mlp.up',
  'mlp.down',
]
test.each([
  ['tiny', [...blocks, 'attention_norm', 'mlp_norm'], []],
  // A bias of values is divided with their rows.
  ['qwen2', [...blocks, 'attention_norm', 'mlp_norm', 'attention.value.bias'], []],
  // Norms multiply by 1 + w, and there are two on each side.
  ['gemma3', [...blocks, 'attention_norm', 'model.layers.0.pre_feedforward_layernorm.weight'], []],
  // Norms come after the blocks, so that blocks read the residual stream.
  [
    'olmo2',
    ['attention.value', 'attention.output', 'mlp.up', 'mlp.down'],
    [
      'awq: the input of layers.0.attention.query and of 3 others is not scaled, because the residual stream reads its input too',
      'smooth: the input of layers.0.attention.query and of 3 others is not scaled, because the residual stream reads its input too',
    ],
  ],
])(
  '%s: scaled by awq and smooth, the weights are others and the function the same',
  async (architecture, names, notes) => {
    const { subject, checkpoint, config } = await open(architecture)
    const applied = await applyRecipe(subject, recipeOf({ kind: 'awq' }, { kind: 'smooth', alpha: 0.7 }, int4), {
      device,
      solver,
      calibration: { ids: text },
    })
    expect(
      changedIn(applied, subject)
        .filter((name) => name.includes('layers.0'))
        .map((name) => name.replace(/^layers\.0\./, ''))
        .sort(),
    ).toEqual([...names].sort())
    expect(applied.notes).toEqual(notes)
    const before = await logitsOf(checkpoint, config)
    const after = await logitsOf(decodedCheckpoint(unrounded(applied), checkpoint.metadata), config)
    expect(relativeDifference(before, after)).toBeLessThan(1e-5)
  },
)

test('bert: only values and outputs can be scaled, because the states that other layers read are the residual stream', async () => {
  const { subject, checkpoint, config } = await open('bert')
  const applied = await applyRecipe(subject, recipeOf({ kind: 'smooth' }, int4), {
    device,
    solver,
    calibration: { ids: text },
  })
  expect(
    changedIn(applied, subject)
      .filter((name) => name.startsWith('layers.0'))
      .sort(),
  ).toEqual(['layers.0.attention.output', 'layers.0.attention.value', 'layers.0.attention.value.bias'])
  expect(applied.notes).toEqual([
    expect.stringMatching(
      /^smooth: the input of layers\.0\.attention\.query and of \d+ others is not scaled, because the residual stream reads/,
    ),
    expect.stringMatching(
      /^smooth: the input of layers\.0\.mlp\.down and of \d+ others? is not scaled, because its input comes from activation, which no scale passes/,
    ),
  ])
  const states = async (of: Checkpoint): Promise<Float32Array> => {
    const encoder = await loadEncoder(of, { device, packers: [], families: [bertFamily], config: config as Fields })
    const out = encoder.forward(packSequences(device, [[5, 9, 2, 70, 31, 8]]), { activations: 'f32' })
    const values = (await device.read(out)) as Float32Array
    out.dispose()
    encoder.dispose()
    return values
  }
  expect(
    relativeDifference(
      await states(checkpoint),
      await states(decodedCheckpoint(unrounded(applied), checkpoint.metadata)),
    ),
  ).toBeLessThan(1e-5)
})

function relativeDifference(before: Float32Array, after: Float32Array): number {
  const largest = before.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  return before.reduce((most, value, index) => Math.max(most, Math.abs(value - (after[index] as number))), 0) / largest
}

test('what is lost at 3 bits: less with scales than by rounding to nearest, and by GPTQ after them far less', async () => {
  const { subject, checkpoint } = await open('tiny')
  const ids = createTokenizerFromGguf(checkpoint.metadata as Fields).encode(
    await readFile(new URL('../../README.md', import.meta.url), 'utf8'),
    { addSpecial: false },
  )
  const original = await sessionOf(checkpoint)
  const lost = async (...steps: object[]): Promise<number> => {
    const applied = await applyRecipe(subject, parseRecipe({ calibration: { windows: 4, window: 64 }, steps }), {
      device,
      solver,
      calibration: { ids },
    })
    const session = await sessionOf(decodedCheckpoint(applied, checkpoint.metadata))
    return (await measureDivergence(original, session, ids.slice(512), { window: 64, windows: 3, protocol: 'all' })).kld
  }
  const format = { bits: 3, group: 64 }
  const figures = {
    rtn: await lost({ kind: 'quantize', targets: few, method: 'rtn', format }),
    awq: await lost({ kind: 'awq' }, { kind: 'quantize', targets: few, method: 'rtn', importance: true, format }),
    awqGptq: await lost({ kind: 'awq' }, { kind: 'quantize', targets: few, method: 'gptq', format }),
  }
  expect(figures.awq, JSON.stringify(figures)).toBeLessThan(figures.rtn)
  expect(figures.awqGptq, JSON.stringify(figures)).toBeLessThan(0.75 * figures.awq)
})

test('a run that was stopped while scales were searched goes on, and gives the same bytes', async () => {
  const { subject } = await open('llama')
  const recipe = recipeOf({ kind: 'awq' }, { kind: 'quantize', method: 'gptq', format: { bits: 4, group: 32 } })
  const calibration = { ids: text }
  const name = 'layers.1.mlp.down'
  const expected = await (await applyRecipe(subject, recipe, { device, solver, calibration })).weight(name)
  const store = memoryStore()
  const abort = new AbortController()
  await expect(
    applyRecipe(subject, recipe, {
      device,
      solver,
      calibration,
      store,
      signal: abort.signal,
      onProgress: ({ what }) => what === 'layers.0.mlp.down' && abort.abort(),
    }),
  ).rejects.toThrow('aborted by the caller after 0 of')
  const seen: number[] = []
  const again = await applyRecipe(subject, recipe, {
    device,
    solver,
    calibration,
    store,
    onProgress: ({ done, total }) => seen.push(done / total),
  })
  expect(await again.weight(name)).toEqual(expected)
  expect(seen).toEqual([...seen].sort((a, b) => a - b))
  expect(seen.at(-1)).toBeCloseTo(1, 12)
})

test('refused: a rotation after scales, scales without a text or by statistics, and targets that match nothing', async () => {
  const { subject } = await open('llama')
  const apply = (...steps: object[]): Promise<Applied> => applyRecipe(subject, recipeOf(...steps), { device, solver })
  await expect(apply({ kind: 'awq' }, { kind: 'rotate' }, int4)).rejects.toThrow(
    'recipe: steps[1] rotates what steps[0] (awq) has scaled; put rotate before it',
  )
  await expect(apply({ kind: 'smooth' }, int4)).rejects.toThrow(
    'this recipe looks at activations and needs a calibration text',
  )
  const statistics = { sites: [], statisticsOf: async () => ({ columns: 1, count: 1 }) }
  await expect(applyRecipe(subject, recipeOf({ kind: 'awq' }, int4), { device, solver, statistics })).rejects.toThrow(
    'serve neither recipes that rotate or scale it',
  )
  await expect(
    applyRecipe(subject, recipeOf({ kind: 'awq', targets: 'layer.*' }, int4), {
      device,
      solver,
      calibration: { ids: text },
    }),
  ).rejects.toThrow('matches no weight of this model')
})
