import { type Tensor, TesseraError, type VjpContext } from '@tessera-llm/tensor'
import type { AttentionInputs, AttentionOptions, AttentionOutputs } from '../attention/contract.ts'
import { attentionBackward } from './contract.ts'

/**
 * Backward rule of attention: gradients by q, k, v and sinks. Throws `invalid-option` if the forward pass did not
 * return its LSE, or read paged or packed keys.
 */
export function differentiateAttention({
  inputs,
  outputs: { o, lse },
  options,
  gradients,
}: VjpContext<AttentionInputs, AttentionOutputs, AttentionOptions>): {
  readonly [K in keyof AttentionInputs]?: Tensor
} {
  if (gradients.o === undefined && gradients.lse === undefined) return {}
  const { q, k, v, blockTable, ...side } = inputs
  if (blockTable)
    throw new TesseraError(
      'invalid-option',
      'attention: keys and values in pages (blockTable) have no gradient; differentiate attention over contiguous ones',
    )
  if (k.kind === 'packed' || v.kind === 'packed')
    throw new TesseraError(
      'invalid-option',
      'attention: packed keys and values of a cache have no gradient; differentiate attention over dense ones',
    )
  if (lse === undefined)
    throw new TesseraError(
      'invalid-option',
      'attention: returnLse is false, but the backward pass needs the LSE; leave the option out where gradients are wanted',
    )
  // The loss depends on the LSE alone.
  const none =
    gradients.o === undefined
      ? q.device.tensor(new Float32Array(o.shape.reduce((size, length) => size * length, 1)), o.shape)
      : undefined
  const { dq, dk, dv, dsinks } = attentionBackward(
    { q, k, v, o, lse, do: gradients.o ?? (none as Tensor) },
    { ...side, ...options, dlse: gradients.lse },
  )
  none?.dispose()
  return { q: dq, k: dk, v: dv, ...(dsinks ? { sinks: dsinks } : {}) }
}
