import { dense, denseSpec, type Op, type Tensor, TesseraError, toleranceOf } from '../src/index.ts'

const cost = (): { readonly flops: number; readonly bytesRead: number; readonly bytesWritten: number } => ({
  flops: 1,
  bytesRead: 2,
  bytesWritten: 3,
})

/** y = factor · x. */
export const scaleOp: Op<{ readonly x: Tensor }, { readonly y: Tensor }, { readonly factor: number }> = {
  id: 'test/scale',
  version: 1,
  package: '@example/ops',
  validate({ x }, { factor }) {
    if (!Number.isFinite(factor))
      throw new TesseraError('invalid-option', `test/scale: factor must be finite, not ${factor}`)
    return { y: dense(denseSpec(x, 'test/scale', 'x').dtype, x.shape) }
  },
  tolerance: () => toleranceOf({ dtype: 'f32' }),
  cost,
  reference: ({ x }, { factor }) => ({ y: x.data.map((value) => factor * value) }),
}

/** y = x + z, z optional. */
export const sumOp: Op<
  { readonly x: Tensor; readonly z?: Tensor | undefined },
  { readonly y: Tensor },
  Record<string, never>
> = {
  id: 'test/sum',
  version: 1,
  package: '@example/ops',
  validate: ({ x }) => ({ y: dense('f32', denseSpec(x, 'test/sum', 'x').shape) }),
  tolerance: () => toleranceOf({ dtype: 'f32' }),
  cost,
  reference: ({ x, z }) => ({ y: x.data.map((value, index) => value + (z?.data[index] ?? 0)) }),
}

/** total += x, in place. */
export const accumulateOp: Op<
  { readonly x: Tensor; readonly total: Tensor },
  Record<string, never>,
  Record<string, never>
> = {
  id: 'test/accumulate',
  version: 1,
  package: '@example/ops',
  writes: ['total'],
  validate: () => ({}),
  tolerance: () => toleranceOf({ dtype: 'f32' }),
  cost,
  reference({ x, total }) {
    for (const [index, value] of x.data.entries()) total.data[index] = (total.data[index] as number) + value
    return {}
  },
}
