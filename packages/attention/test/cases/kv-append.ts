import {
  conformanceCase,
  constant,
  type DeviceCase,
  type HostValue,
  normal,
  type OpProblem,
  values,
} from '@tessera-llm/testing'
import { type KvAppendInputs, kvAppendOp } from '../../src/index.ts'

/**
 * Floats around every step of the conversion to f16: its smallest, subnormals, ties, overflow; and 10⁻⁴⁰, which f32
 * itself holds as a subnormal.
 */
const extremes = [
  0,
  -0,
  2 ** -24,
  2 ** -25,
  1.5 * 2 ** -25,
  -3 * 2 ** -25,
  2 ** -14,
  2 ** -14 - 2 ** -25,
  1 + 2 ** -11,
  1 + 3 * 2 ** -11,
  -1 / 3,
  65504,
  65519.99,
  65520,
  -1e30,
  1e-40,
]

function problem(
  name: string,
  cache: HostValue,
  x: HostValue,
  positions: readonly number[],
  blockTable?: HostValue,
): OpProblem<KvAppendInputs, Record<string, never>> {
  return {
    name,
    inputs: { cache, x, positions: values([positions.length], positions, 'i32'), blockTable },
    options: {},
  }
}

export const kvAppendProblems: readonly OpProblem<KvAppendInputs, Record<string, never>>[] = (
  ['f32', 'f16'] as const
).flatMap((dtype) => [
  problem(`one row of ${dtype}`, normal([1, 3, 20, 64], { dtype }), normal([1, 1, 3, 64], { seed: 2 }), [7]),
  problem(
    `rows of a batch of ${dtype} at unequal positions`,
    normal([3, 2, 9, 10], { dtype }),
    normal([3, 4, 2, 10], { seed: 2 }),
    [0, 5, 3],
  ),
  problem(
    `rows of ${dtype} outside the cache`,
    constant([3, 1, 4, 2], 5, dtype),
    normal([3, 3, 1, 2], { seed: 2 }),
    [2, -2, 9],
  ),
  problem(
    `rows of ${dtype} beyond a workgroup`,
    normal([1, 5, 40, 34], { dtype }),
    normal([1, 33, 5, 34], { seed: 2 }),
    [6],
  ),
  problem(
    `rows of ${dtype} in pages, past their end and before their start`,
    constant([7, 2, 4, 6], 5, dtype),
    normal([2, 7, 2, 6], { seed: 2 }),
    [9, -2],
    values([2, 3], [4, 0, 6, 1, 5, 3], 'i32'),
  ),
  problem(
    `extremes as ${dtype}`,
    normal([1, 1, 2, extremes.length], { dtype }),
    values([1, 1, 1, extremes.length], extremes),
    [1],
  ),
])

export const kvAppendConformance: readonly DeviceCase[] = [
  ...kvAppendProblems.map((one) => conformanceCase(kvAppendOp, one)),
  conformanceCase(
    kvAppendOp,
    problem('an odd head size in f32', normal([1, 2, 5, 7]), normal([1, 2, 2, 7], { seed: 2 }), [3]),
  ),
]
