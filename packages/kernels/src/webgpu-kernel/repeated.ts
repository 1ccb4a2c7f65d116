import { type Problem, sizeOf, type Tensor } from '@tessera-llm/tensor'
import type { WebGpuPass } from '@tessera-llm/webgpu'
import { u32 } from './define.ts'
import { elementwisePass } from './elementwise.ts'

type Pair = Problem<{ readonly a: Tensor; readonly b: Tensor }, { readonly y: Tensor }>

/** `y = a ∘ b`; b has the shape of a, or of its last axes and is broadcast over the others. */
export function repeatedPass({ inputs: { b }, outputs: { y } }: Pair, operator: '+' | '*'): WebGpuPass {
  const period = sizeOf(b.shape)
  const isVector = period % 4 === 0
  return elementwisePass({
    size: sizeOf(y.shape),
    reads: ['a', 'b'],
    value: `a[i] ${operator} b[i % params.period]`,
    isVector,
    params: { period: u32(isVector ? period / 4 : period) },
  })
}
