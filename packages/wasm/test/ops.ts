import { type Cost, dense, denseSpec, defineOp, type Op, type Tensor, toleranceOf } from '@tessera-llm/tensor'

type Unary = { readonly x: Tensor }
type Result = { readonly y: Tensor }

const common = {
  version: 1,
  package: '@tessera-llm/wasm/test',
  tolerance: () => toleranceOf({ dtype: 'f32' }),
  cost: (): Cost => ({ flops: 1, bytesRead: 1, bytesWritten: 1 }),
}

/** y = factor · x, f32 of any shape. */
export const scaleOp: Op<Unary, Result, { readonly factor: number }> = defineOp<
  Unary,
  Result,
  { readonly factor: number }
>({
  ...common,
  id: 'test/scale',
  validate: ({ x }) => ({ y: denseSpec(x, 'test/scale', 'x') }),
  reference: ({ x }, { factor }) => ({ y: x.data.map((value) => factor * value) }),
})

/** y = x backwards, f32 [n]. */
export const reverseOp: Op<Unary, Result, Record<string, never>> = defineOp<Unary, Result, Record<string, never>>({
  ...common,
  id: 'test/reverse',
  validate: ({ x }) => ({ y: denseSpec(x, 'test/reverse', 'x') }),
  reference: ({ x }) => ({ y: x.data.toReversed() }),
})

export type DotInputs = { readonly a: Tensor; readonly b: Tensor }

/** y [rows] = a [rows, columns] · b [columns], f32, columns a multiple of 8. */
export const dotOp: Op<DotInputs, Result, Record<string, never>> = defineOp<DotInputs, Result, Record<string, never>>({
  ...common,
  id: 'test/dot',
  validate: ({ a }) => ({ y: dense('f32', [denseSpec(a, 'test/dot', 'a').shape[0] ?? 0]) }),
  reference: ({ a, b }) => ({
    y: Float64Array.from({ length: a.shape[0] ?? 0 }, (_, row) =>
      b.data.reduce((sum, value, i) => sum + value * (a.data[row * b.data.length + i] ?? 0), 0),
    ),
  }),
})

export type Misbehaviour = {
  readonly thread: number
  readonly rounds: number
  readonly traps?: boolean
  readonly others?: number
  readonly together?: boolean
}

/**
 * One thread counts to `rounds` and then traps if asked to; the others count to `others` (default 0). y is undefined.
 * Unless `together` is false, each share has its own thread.
 */
export const misbehaveOp: Op<Unary, Result, Misbehaviour> = defineOp<Unary, Result, Misbehaviour>({
  ...common,
  id: 'test/misbehave',
  validate: ({ x }) => ({ y: denseSpec(x, 'test/misbehave', 'x') }),
  reference: ({ x }) => ({ y: x.data }),
})
