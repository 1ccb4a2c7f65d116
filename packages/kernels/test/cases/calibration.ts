import { conformanceCase, type DeviceCase, normal } from '@tessera-llm/testing'
import { addColumnSumsOp, addProductOp } from '../../src/index.ts'

/** Rows, columns of both sides: one element, ragged tiles, whole panels, more rows than are summed at a time in f32. */
const products = [
  [1, 1, 1],
  [17, 11, 33],
  [40, 6, 16],
  [130, 64, 40],
] as const

/** Rows and columns: one element, a ragged vector, whole vectors. */
const matrices = [
  [1, 1],
  [5, 13],
  [33, 64],
] as const

export const calibrationConformance: readonly DeviceCase[] = [
  ...products.map(([rows, m, n]) =>
    conformanceCase(addProductOp, {
      name: `add-product of [${rows}, ${m}]ᵀ and [${rows}, ${n}]`,
      inputs: {
        left: normal([rows, m]),
        right: normal([rows, n], { seed: 2 }),
        total: normal([m, n], { seed: 3, dtype: 'f64' }),
      },
      options: {},
    }),
  ),
  ...matrices.map(([rows, columns]) =>
    conformanceCase(addColumnSumsOp, {
      name: `add-column-sums of [${rows}, ${columns}]`,
      inputs: {
        x: normal([rows, columns], { scale: 3 }),
        sums: normal([3, columns], { seed: 2, dtype: 'f64' }),
        largest: normal([columns], { seed: 3 }),
      },
      options: {},
    }),
  ),
]
