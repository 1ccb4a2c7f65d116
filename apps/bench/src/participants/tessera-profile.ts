import type { KvCache } from '@tessera-llm/attention'
import { attentionWasm } from '@tessera-llm/attention/wasm'
import { readCheckpoint } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { argmax } from '@tessera-llm/kernels'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { ggmlPackers } from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { cacheLayersOf, defaultCache, llamaFamily, loadModel, type StepInputs } from '@tessera-llm/runtime'
import { type Plan, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import type { Description, Participant, Sample } from '../participant/index.ts'
import { kernelsOfStep, type RecordedStage, recordStages } from '../profile/index.ts'
import { hash, type ProfileWorkload } from '../workload/index.ts'

interface Step {
  readonly device: WasmDevice
  readonly plan: Plan<Tensor | undefined>
  readonly stages: readonly RecordedStage[]
  readonly keys: number
}

/** Times one step of a model stage by stage. A round repeats it for `roundMs`, at least three times. */
export function createProfileParticipant(
  describe: (workload: ProfileWorkload) => Description,
  roundMs = 1000,
): Participant {
  let step: Step | undefined
  return {
    async prepare(workload) {
      if (workload.kind !== 'profile')
        throw new TesseraError('invalid-option', `bench: a profile does no ${workload.kind}`)
      step = await openStep(workload)
      return describe(workload)
    },
    async measure() {
      if (!step) throw new TesseraError('invalid-option', 'bench: measure comes after prepare')
      return measureStep(step, roundMs)
    },
    async close() {
      await step?.device.dispose()
    },
  }
}

/**
 * As in a session: int8 activations, the default cache; after a decode step, the device picks the most likely token.
 */
async function openStep({ model: path, threads, position, tokens }: ProfileWorkload): Promise<Step> {
  const recorder = recordStages([...kernelsWasm, ...attentionWasm, ...quantizationWasm])
  const device = await createWasmDevice({ kernels: recorder.kernels, threads })
  const source = await fileSource(path)
  try {
    const model = await loadModel(await readCheckpoint(source), {
      device,
      packers: ggmlPackers,
      families: [llamaFamily],
    })
    const { vocabSize } = model.config
    const keys = position + tokens
    const cache = defaultCache('int8').create(device, { layers: cacheLayersOf(model.config), batch: 1, capacity: keys })
    fill(device, cache)
    const i32 = (shape: readonly number[], value: (index: number) => number): Tensor =>
      device.tensor(
        Int32Array.from({ length: shape.at(-1) ?? 1 }, (_, index) => value(index)),
        shape,
      )
    const inputs: StepInputs = {
      ids: i32([tokens], (index) => hash(index) % vocabSize),
      positions: i32([1, tokens], (index) => position + index),
      start: i32([1], () => position),
      lengths: i32([1], () => keys),
    }
    recorder.take()
    const plan = device.capture(() => {
      const logits = model.forward(inputs, cache, { logits: 'last', activations: 'int8' })
      return tokens === 1 && logits ? argmax(logits) : logits
    })
    return { device, plan, stages: recorder.take(), keys }
  } catch (error) {
    await device.dispose()
    throw error
  } finally {
    await source.close()
  }
}

/**
 * Random values between −1 and 1: equal keys would make the search for the largest score cheap, and unwritten pages
 * stay in cache.
 */
function fill(device: WasmDevice, cache: KvCache): void {
  cache.prepare(0, cache.capacity)
  const step = {
    start: device.tensor(Int32Array.of(0), [1]),
    lengths: device.tensor(Int32Array.of(cache.capacity), [1]),
  }
  for (const [index, { numKvHeads, headDim }] of cache.sizes.layers.entries()) {
    const rows = device.tensor(
      Float32Array.from({ length: cache.capacity * numKvHeads * headDim }, (_, at) => hash(at) / 2 ** 31 - 1),
      [1, cache.capacity, numKvHeads, headDim],
    )
    cache.layer(index).append(rows, rows, step)
    rows.dispose()
  }
  for (const tensor of Object.values(step)) tensor.dispose()
}

function measureStep({ device, plan, stages, keys }: Step, roundMs: number): Sample {
  const least = new Float64Array(stages.length).fill(Number.POSITIVE_INFINITY)
  let replayMs = Number.POSITIVE_INFINITY
  let timedReplayMs = Number.POSITIVE_INFINITY
  const clock = (fn: () => void): number => {
    const begin = performance.now()
    fn()
    return performance.now() - begin
  }
  const end = performance.now() + roundMs
  // Alternates, so that a slow moment of the machine affects both.
  for (let repeat = 0; repeat < 3 || performance.now() < end; repeat++) {
    replayMs = Math.min(
      replayMs,
      clock(() => plan.replay()),
    )
    let times: ReturnType<WasmDevice['wasm']['time']> = []
    timedReplayMs = Math.min(
      timedReplayMs,
      clock(() => {
        times = device.wasm.time(() => plan.replay())
      }),
    )
    const stranger =
      stages.length === times.length
        ? stages.findIndex(({ label }, index) => times[index]?.label !== label)
        : times.length
    if (stranger >= 0)
      throw new TesseraError(
        'invalid-value',
        `bench: stage ${stranger} ran as ${times[stranger]?.label} and was captured as ${stages[stranger]?.label}`,
      )
    for (const [index, { milliseconds }] of times.entries())
      least[index] = Math.min(least[index] as number, milliseconds)
  }
  const sum = least.reduce((total, milliseconds) => total + milliseconds, 0)
  return {
    figures: { step: replayMs, 'step, timed stage by stage': timedReplayMs, 'sum of the shortest stages': sum },
    profile: {
      kernels: kernelsOfStep(stages, [...least], keys),
      integerPeak: device.wasm.dotAdd ? 'dotAdd' : device.wasm.relaxedSimd ? 'dotI8' : 'dotI16',
      stages: stages.length,
      replayMs,
      timedReplayMs,
    },
  }
}
