import { createRandom } from '@tessera-llm/tensor'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { rowEncoders } from '../format/encode/index.ts'
import { ggmlFormat } from '../format/index.ts'
import { createDeviceEncoder, encodePlain } from './index.ts'
import { createWasmEncoder, encodeBlocksWasm } from './wasm.ts'

const columns = 512
const random = createRandom(11)
const normal = (): number => random.normal()
const sign = (): number => (random.integer(2) ? 1 : -1)

/** Rows that searches and roundings may stumble over. */
const kinds: Readonly<Record<string, (column: number) => number>> = {
  normal,
  'heavy tails': () => normal() ** 3,
  uniform: () => 2 * random.uniform() - 1,
  ties: () => Math.round(4 * normal()) / 4,
  sparse: () => (random.integer(10) ? 0 : normal()),
  zeros: () => 0,
  'negative zeros': () => -0,
  positive: () => Math.abs(normal()),
  negative: () => -Math.abs(normal()),
  constant: () => 0.75,
  'one outlier': (column) => (column === 77 ? 1000 : 0.01 * normal()),
  tiny: () => 1e-17 * normal(),
  'about the least': () => 1e-15 * normal(),
  small: () => 1e-6 * normal(),
  large: () => 1e5 * normal(),
  'blocks of unlike size': (column) => 10 ** (((column >> 5) % 9) - 6) * normal(),
  'powers of two': () => sign() * 2 ** (random.integer(40) - 20),
  'just below powers of two': () => sign() * 2 ** (random.integer(90) - 60) * (1 - random.integer(60) * 2 ** -24),
  alternating: (column) => (column & 1 ? 1 : -1) * (1 + column / 512),
}
const names = Object.keys(kinds)
const rows = 2 * names.length + 1
const values = Float32Array.from({ length: rows * columns }, (_, i) =>
  (kinds[names[Math.floor(i / columns) % names.length] as string] as (column: number) => number)(i % columns),
)
const importances: Readonly<Record<string, Float32Array | undefined>> = {
  none: undefined,
  uneven: Float32Array.from({ length: columns }, () => normal() ** 2),
  'with zeros': Float32Array.from({ length: columns }, (_, i) => ((i >> 4) % 3 ? random.uniform() : 0)),
  nothing: new Float32Array(columns),
}

describe.each([
  { threads: 1, relaxedSimd: true },
  { threads: 3, relaxedSimd: false },
])('the encoder on $threads threads writes the bytes of the plain one', ({ threads, relaxedSimd }) => {
  let device: WasmDevice
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: [encodeBlocksWasm], threads, relaxedSimd })
  })
  afterAll(() => device.dispose())

  it.each(rowEncoders.map(({ id }) => id))('%s', async (id) => {
    const format = ggmlFormat(id)
    const encode = createDeviceEncoder(device)
    for (const [kind, importance] of Object.entries(importances)) {
      const options = importance ? { importance } : {}
      const [made, expected] = (await Promise.all(
        [encode, encodePlain].map(
          async (way) => (await way(format, values, [rows, columns], options))['blocks'] as Uint8Array,
        ),
      )) as [Uint8Array, Uint8Array]
      const rowBytes = expected.length / rows
      const wrong = Array.from({ length: rows }, (_, row) => row).filter((row) =>
        made.subarray(row * rowBytes, (row + 1) * rowBytes).some((byte, i) => byte !== expected[row * rowBytes + i]),
      )
      expect(
        wrong.map((row) => names[row % names.length]),
        `importance ${kind}`,
      ).toEqual([])
    }
    expect(device.memory().liveTensors).toBe(0)
  })
})

test.each(['q4_0', 'q5_1', 'q6_k', 'iq4_nl', 'iq1_s'])('without a device too: %s, in slices of rows', async (id) => {
  const format = ggmlFormat(id)
  const encode = await createWasmEncoder()
  const shape = [3 * rows, columns]
  const many = Float32Array.from({ length: 3 * values.length }, (_, i) => values[i % values.length] as number)
  const importance = importances['uneven'] as Float32Array
  if (id === 'iq1_s') expect(() => encode(format, many, shape, { importance })).toThrow('can be read and not made')
  else
    expect(encode(format, many, shape, { importance })).toEqual(await encodePlain(format, many, shape, { importance }))
})
