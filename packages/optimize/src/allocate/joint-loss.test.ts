import { readFile } from 'node:fs/promises'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { measureDivergence } from '@tessera-llm/evaluation'
import { bufferSource, type GgufCheckpoint, readGguf } from '@tessera-llm/formats'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { ggmlPackers } from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { createSession, createTokenizerFromGguf, llamaFamily, loadModel, type Session } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assignSteps } from '../apply/assignments.ts'
import { applyRecipe } from '../apply/index.ts'
import { parseRecipe, type WeightFormat } from '../recipe/index.ts'
import { createSolver, type WasmSolver } from '../solver/create-solver.ts'
import { memoryStore } from '../store/index.ts'
import { type Subject, subjectOf } from '../subject/index.ts'
import { decodedCheckpoint } from '../write/index.ts'
import { allocateBudget, type BudgetAllocation, ggufFileSize } from './index.ts'
import { jointLosses } from './joint-loss.ts'

let device: Device
let checkpoint: GgufCheckpoint
let subject: Subject
let solver: WasmSolver
let ids: readonly number[]
beforeAll(async () => {
  device = await createWasmDevice({ kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm], threads: 1 })
  checkpoint = await readGguf(bufferSource(await readFile(tinyModel.ggufUrl)))
  subject = subjectOf(checkpoint, { families: [llamaFamily] })
  solver = await createSolver({ threads: 1 })
  const text =
    'The President of the United States is the head of the Government, and the whale was a great fish of the sea. Congress shall make no law respecting it. '
  ids = createTokenizerFromGguf(checkpoint.metadata).encode(text.repeat(12), { addSpecial: false })
})
afterAll(async () => {
  await solver?.dispose()
  await device?.dispose()
})

async function sessionOf(of: Parameters<typeof loadModel>[0]): Promise<Session> {
  return createSession(await loadModel(of, { device, packers: ggmlPackers, families: [llamaFamily] }), {
    activations: 'f32',
  })
}

test('what a recipe loses in the small is what its model loses on the same windows, and nothing is left behind', async () => {
  const original = await sessionOf(checkpoint)
  const sizes = { windows: 2, window: 64 }
  const probes = [2, 3, 4, 5].map((window) => ids.slice(window * 64, (window + 1) * 64))
  const lossOf = async (format: WeightFormat): Promise<readonly [number, number]> => {
    const recipe = parseRecipe({
      calibration: sizes,
      steps: [{ kind: 'quantize', targets: ['layers.0.**', 'layers.3.**'], method: 'gptq', format, correct: true }],
    })
    const options = { device, calibration: { ids }, solver }
    const live = device.memory().liveTensors
    const [joint = 0] = await jointLosses(subject, [recipe], { ...options, sizes, probes })
    expect(device.memory().liveTensors).toBe(live)
    const session = await sessionOf(decodedCheckpoint(await applyRecipe(subject, recipe, options), checkpoint.metadata))
    const { kld } = await measureDivergence(original, session, ids.slice(128), {
      window: 64,
      windows: 4,
      protocol: 'all',
    })
    session.dispose()
    return [joint, kld]
  }
  const [three, four] = [await lossOf({ bits: 3, group: 32 }), await lossOf({ bits: 4, group: 32 })]
  // The last token of a window counts here, and there has none to predict.
  for (const [joint, measured] of [three, four]) expect(joint / measured).toBeCloseTo(1, 1)
  expect(three[0]).toBeGreaterThan(2 * four[0])
})

test('a mixture that loses more as a whole than one format of no more bytes gives way to it', async () => {
  const store = memoryStore()
  const file = ggufFileSize(subject, checkpoint)
  const targets = ['layers.0.attention.*', 'layers.0.mlp.*', 'layers.1.attention.*', 'layers.1.mlp.*']
  const allocated = (
    size: number | string,
    formats: readonly WeightFormat[],
    kept = memoryStore(),
  ): Promise<BudgetAllocation> =>
    allocateBudget(
      subject,
      parseRecipe({
        calibration: { windows: 8, window: 32 },
        steps: [{ kind: 'budget', size, correct: true, formats, targets }],
      }),
      { device, calibration: { ids }, file, solver, store: kept },
    )
  const one = parseRecipe({ steps: [{ kind: 'quantize', targets, method: 'rtn', format: 'q4_0' }] })
  const bytes = file.fileBytes({ subject, assignments: assignSteps(subject.weights, one) }, one)
  const formatsOf = async (): Promise<readonly unknown[]> => [
    ...new Set((await allocated(bytes + 20_000, ['q5_0', 'q4_0'], store)).weights.map(({ format }) => format)),
  ]
  expect((await formatsOf()).length).toBeGreaterThan(1)
  const kept = JSON.parse(new TextDecoder().decode(await store.get('joint'))) as {
    readonly losses: readonly [number, number]
  }
  const [mixture, uniform] = kept.losses
  expect(mixture).toBeGreaterThan(0)
  expect(mixture).toBeLessThan(uniform)
  const turned = { ...kept, losses: [uniform, mixture] }
  await store.put('joint', new TextEncoder().encode(JSON.stringify(turned)))
  expect(await formatsOf()).toEqual(['q4_0'])
})
