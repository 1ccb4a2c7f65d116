import { conformanceCase, type DeviceCase, normal, values } from '@tessera-llm/testing'
import { hadamardOp } from '../../src/index.ts'

const powers = Array.from({ length: 11 }, (_, index) => 2 ** index)
const outlier = Array.from({ length: 64 }, (_, index) => (index === 37 ? 1000 : (index % 7) - 3))

export const hadamardConformance: readonly DeviceCase[] = [
  ...powers.map((block) =>
    conformanceCase(hadamardOp, {
      name: `hadamard [3, ${block}]`,
      inputs: { x: normal([3, block]) },
      options: { block },
    }),
  ),
  conformanceCase(hadamardOp, {
    name: 'hadamard of the largest block',
    inputs: { x: normal([1, 4096]) },
    options: { block: 4096 },
  }),
  conformanceCase(hadamardOp, {
    name: 'hadamard of three blocks a row, as SmolLM2 has them',
    inputs: { x: normal([2, 1536], { scale: 5 }) },
    options: { block: 512 },
  }),
  conformanceCase(hadamardOp, {
    name: 'hadamard of blocks of 8 in rows of 24',
    inputs: { x: normal([2, 3, 24]) },
    options: { block: 8 },
  }),
  conformanceCase(hadamardOp, {
    name: 'hadamard of an odd axis, which stays as it is',
    inputs: { x: normal([5, 7]) },
    options: { block: 1 },
  }),
  conformanceCase(hadamardOp, { name: 'hadamard of one axis', inputs: { x: normal([96]) }, options: { block: 32 } }),
  conformanceCase(hadamardOp, {
    name: 'hadamard of an outlier',
    inputs: { x: values([1, 64], outlier) },
    options: { block: 64 },
  }),
  conformanceCase(hadamardOp, {
    name: 'hadamard of 700 rows',
    inputs: { x: normal([700, 32]) },
    options: { block: 16 },
  }),
]
