import type { Shape } from '@tessera-llm/tensor'
import { conformanceCase, type DeviceCase, type HostValue, normal, type OpProblem, values } from '@tessera-llm/testing'
import {
  groupFormat,
  type KvFormat,
  type KvStoreInputs,
  kvStoreOp,
  type KvStoreOptions,
  kvWords,
  rowFormat,
} from '../../src/index.ts'
import { packedWords } from '../support/packed-rows.ts'

/** Around every step of the roundings: ties of codes, subnormals, zeros, and rows that are all zero or far below 1. */
const extremes = [
  0,
  -0,
  127,
  -127,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  63.5,
  1e-30,
  -1e-30,
  126.49999,
  126.5,
  2 ** -149,
  3.0000001,
]

function problem(
  name: string,
  format: KvFormat,
  shape: Shape,
  x: HostValue,
  positions: readonly number[],
  words?: Uint32Array,
  blockTable?: HostValue,
): OpProblem<KvStoreInputs, KvStoreOptions> {
  const blocks = words ?? new Uint32Array(kvWords(format.codes, shape)).fill(0x3f3f3f3f)
  return {
    name: `${name}, ${format.id}`,
    inputs: {
      blocks: values([blocks.length], blocks, 'u32'),
      x,
      positions: values([positions.length], positions, 'i32'),
      blockTable,
    },
    options: { format: format.id, shape },
  }
}

const rows = (['int8', 'fp8'] as const).flatMap((code) => {
  const format = rowFormat(code)
  return [
    problem('rows of a batch', format, [2, 3, 9, 64], normal([2, 4, 3, 64], { scale: 3 }), [0, 5]),
    problem('rows outside the cache', format, [3, 1, 4, 12], normal([3, 3, 1, 12]), [2, -2, 9]),
    problem(
      'rows in pages',
      format,
      [7, 2, 4, 8],
      normal([2, 7, 2, 8]),
      [9, -2],
      undefined,
      values([2, 3], [4, 0, 6, 1, 5, 3], 'i32'),
    ),
    problem(
      'extremes',
      format,
      [1, 1, 6, extremes.length],
      values(
        [1, 6, 1, extremes.length],
        [
          ...extremes,
          ...extremes.map((x) => x * 2 ** -90),
          ...extremes.map((x) => x * 2 ** -110),
          ...extremes.map((x) => x * 1e33),
          ...extremes.map(() => 0),
          ...extremes.map((x) => x / 3),
        ],
      ),
      [0],
    ),
  ]
})

/** 70 tokens of which none, 32 or 64 are in groups; the next step gives up to two groups over, and appends. */
const groups = ([8, 4, 2] as const).flatMap((bits) =>
  (['channel', 'token'] as const).flatMap((along) => {
    const format = groupFormat(bits, along, 128)
    return [
      [64, [70, 33]],
      [32, [64, 96]],
      [48, [70, 70]],
    ].map(([width, counts]) => {
      const shape = [2, 3, 130, width as number]
      const words = packedWords(
        format,
        shape,
        normal(shape, { seed: 3, scale: 2 }).data as Float32Array,
        counts as readonly number[],
        [32, 0],
      )
      // Sequence 0 gives over tokens 32 … 63, sequence 1 tokens 0 … 31.
      words.set([64, 32, 32, 0])
      return problem(
        `groups of width ${width}`,
        format,
        shape,
        normal([2, 5, 3, width as number], { seed: 9 }),
        counts as readonly number[],
        words,
      )
    })
  }),
)

export const kvStoreConformance: readonly DeviceCase[] = [...rows, ...groups].map((one) =>
  conformanceCase(kvStoreOp, one),
)
