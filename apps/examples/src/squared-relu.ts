// An op of your own: a contract and its definition, no kernel. Both own-kernel programs implement it.
import { dense, denseSpec, type Op, sizeOf, type Tensor, toleranceOf } from '@tessera-llm/tensor'

/** `y = max(0, x)²` (So et al. 2021): x, y f32 of one shape. */
export const squaredReluOp: Op<{ readonly x: Tensor }, { readonly y: Tensor }, Record<never, never>> = {
  id: 'example.squared-relu',
  version: 1,
  package: 'your-package',
  validate: ({ x }) => ({ y: dense('f32', denseSpec(x, 'squared-relu', 'x').shape) }),
  tolerance: () => toleranceOf({ dtype: 'f32' }),
  cost: ({ outputs: { y } }) => ({
    flops: 2 * sizeOf(y.shape),
    bytesRead: 4 * sizeOf(y.shape),
    bytesWritten: 4 * sizeOf(y.shape),
  }),
  reference: ({ x }) => ({ y: x.data.map((value) => Math.max(0, value) ** 2) }),
}
