import { createReferenceDevice, type Tensor } from '@tessera-llm/tensor'
import { normal, upload, uploadInputs, wasmSetups } from '@tessera-llm/testing'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attention, attentionBackward, attentionBackwardOp } from '../src/index.ts'
import { attentionWasm } from '../src/wasm.ts'
import { backwardConformance, backwardGolden, backwardProblems } from './cases/attention-backward.ts'

const reference = createReferenceDevice()
const cases = [...backwardConformance, ...backwardGolden]

describe.each(wasmSetups)('$threads threads, relaxed SIMD $relaxedSimd', ({ threads, relaxedSimd }) => {
  let device: WasmDevice
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: attentionWasm, threads, relaxedSimd })
  })
  afterAll(() => device.dispose())

  test.for(cases)('flash: $name', (one) => one.run(device, reference, { kernel: 'flash' }))
  // The plain kernel's work units do not depend on the number of threads.
  if (threads === 3) test.for(cases)('plain: $name', (one) => one.run(device, reference, { kernel: 'plain' }))
})

describe('on two devices', () => {
  let devices: readonly WasmDevice[]
  beforeAll(async () => {
    devices = await Promise.all([1, 3].map((threads) => createWasmDevice({ kernels: attentionWasm, threads })))
  })
  afterAll(() => Promise.all(devices.map((device) => device.dispose())))

  test.for(['flash', 'plain'])('%s gives the same bits on one thread and on three', async (kernel) => {
    for (const problem of backwardProblems) {
      const [one, three] = await Promise.all(
        devices.map(async (device) => {
          const inputs = uploadInputs(device, problem)
          const outputs = device.run(attentionBackwardOp, inputs, problem.options, { kernel }) as Readonly<
            Record<string, Tensor>
          >
          const bits = await Promise.all(
            Object.values(outputs).map(async (tensor) => new Uint32Array((await device.read(tensor)).slice().buffer)),
          )
          for (const tensor of [...Object.values(inputs), ...Object.values(outputs)]) tensor?.dispose()
          return bits
        }),
      )
      expect(one, problem.name).toEqual(three)
    }
  })

  test('the gradient of keys that heads share is the sum of theirs', async () => {
    const [device] = devices as [WasmDevice]
    const shapes = { q: [1, 4, 70, 16], k: [1, 1, 70, 16], v: [1, 1, 70, 16] } as const
    const [q, k, v, gradient] = [
      normal(shapes.q, { seed: 1 }),
      normal(shapes.k, { seed: 2 }),
      normal(shapes.v, { seed: 3 }),
      normal(shapes.q, { seed: 4 }),
    ]
    const run = async (kvHeads: 1 | 4): Promise<Float64Array> => {
      const repeated = (value: typeof k): Tensor =>
        device.tensor(
          Float32Array.from(
            { length: kvHeads * 70 * 16 },
            (_, i) => (value.data as Float32Array)[i % (70 * 16)] as number,
          ),
          [1, kvHeads, 70, 16],
        )
      const inputs = { q: upload(device, q), k: repeated(k), v: repeated(v) }
      const { dk } = attentionBackward(
        { ...inputs, ...attention(inputs.q, inputs.k, inputs.v, { isCausal: true }), do: upload(device, gradient) },
        { isCausal: true },
      )
      return Float64Array.from((await device.read(dk)) as Float32Array)
    }
    const [shared, apart] = [await run(1), await run(4)]
    const summed = shared.map((_, i) =>
      [0, 1, 2, 3].reduce((sum, head) => sum + (apart[head * 70 * 16 + i] as number), 0),
    )
    expect(Math.max(...shared.map((value, i) => Math.abs(value - (summed[i] as number))))).toBeLessThan(2e-5)
  })
})
