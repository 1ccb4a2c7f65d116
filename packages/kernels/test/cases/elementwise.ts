import { conformanceCase, type DeviceCase, normal } from '@tessera-llm/testing'
import { addOp, multiplyOp, scaleOp } from '../../src/index.ts'

export const elementwiseConformance: readonly DeviceCase[] = [
  ...[addOp, multiplyOp].flatMap((op) => [
    conformanceCase(op, {
      name: `${op.id} [3, 67]`,
      inputs: { a: normal([3, 67]), b: normal([3, 67], { seed: 2 }) },
      options: {},
    }),
    conformanceCase(op, {
      name: `${op.id} of a row to rows`,
      inputs: { a: normal([2, 3, 65]), b: normal([65], { seed: 2 }) },
      options: {},
    }),
    conformanceCase(op, {
      name: `${op.id} of a table to a batch`,
      inputs: { a: normal([2, 3, 16]), b: normal([3, 16], { seed: 2 }) },
      options: {},
    }),
    conformanceCase(op, {
      name: `${op.id} of a scalar`,
      inputs: { a: normal([5]), b: normal([], { seed: 2 }) },
      options: {},
    }),
  ]),
  ...[0, -1, 1 / 3, 1e-6].map((factor) =>
    conformanceCase(scaleOp, { name: `scale by ${factor}`, inputs: { x: normal([3, 67]) }, options: { factor } }),
  ),
]
