import type { ActivationKind } from './functions.ts'

/** Numbers of the activation functions in assembly/functions.ts. */
export const activationCodes: Readonly<Record<ActivationKind, number>> = {
  silu: 0,
  'gelu-erf': 1,
  'gelu-tanh': 2,
  'quick-gelu': 3,
  relu: 4,
  relu2: 5,
  tanh: 6,
  sigmoid: 7,
}
