import type { ActivationKind } from './functions.ts'
import functions from './functions.wgsl'

const names: Readonly<Record<ActivationKind, string>> = {
  silu: 'silu',
  'gelu-erf': 'gelu_erf',
  'gelu-tanh': 'gelu_tanh',
  'quick-gelu': 'quick_gelu',
  relu: 'relu',
  relu2: 'relu2',
  tanh: 'hyperbolic_tangent',
  sigmoid: 'sigmoid',
}

/** WGSL that declares `fn activate(x: elem) -> elem` of this kind, for kernels whose prelude has the alias `elem`. */
export function activationFragments(kind: ActivationKind): readonly string[] {
  return [functions, `fn activate(x: elem) -> elem { return ${names[kind]}(x); }`]
}
