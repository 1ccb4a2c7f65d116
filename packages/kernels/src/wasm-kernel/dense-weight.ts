import type { WeightSpec } from '@tessera-llm/tensor'

const suffixes = { f32: 'F32', f16: 'F16', bf16: 'Bf16' } as const

/** Suffix of the entry for a dense weight's dtype, or the reason why there is none. */
export function denseWeightSuffix(weight: WeightSpec): { readonly suffix: string } | { readonly reason: string } {
  if (weight.kind === 'packed') return { reason: `the weight is packed as ${weight.format.id}` }
  if (Object.hasOwn(suffixes, weight.dtype)) return { suffix: suffixes[weight.dtype as keyof typeof suffixes] }
  return { reason: `the weight is ${weight.dtype}; dense weights are ${Object.keys(suffixes).join(', ')}` }
}
