import type { RoundingOptions } from '@tessera-llm/kernels'

/**
 * Ways to round inputs; those by a given scale, beyond which a hundredth of them lies, and to 4 bits share all but the
 * codes with the others, so that some sizes are enough.
 */
export const roundings = ({ hasAll }: { readonly hasAll: boolean }): readonly RoundingOptions[] => [
  { activations: 'f32' },
  { activations: 'int8' },
  { activations: 'int8-token' },
  ...(hasAll ? ([{ activations: 'int8-static', inputScale: 0.02 }, { activations: 'int4-token' }] as const) : []),
]
