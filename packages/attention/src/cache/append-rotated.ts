import type { Tensor } from '@tessera-llm/tensor'
import { ropeAppend, type RopeAppendInputs, ropeAppendOp } from '../rope-append/index.ts'
import type { CacheRotation } from './cache.ts'

/** Runs `rope-append` into dense keys and values, if the device has a kernel for it. */
export function appendRotated(
  heads: Pick<RopeAppendInputs, 'q' | 'k' | 'v'>,
  { angles: { cos, sin }, positions, queryNorm, keyNorm, ...options }: CacheRotation,
  keys: Tensor,
  values: Tensor,
  blockTable: Tensor | undefined,
): boolean {
  const inputs: RopeAppendInputs = { ...heads, cos, sin, positions, keys, values, blockTable, queryNorm, keyNorm }
  if (keys.device.explain(ropeAppendOp, inputs, options).kernel === undefined) return false
  ropeAppend(inputs, options)
  return true
}
