/** Names of the activation functions; `activationFunctions` defines them. */
export type ActivationKind = 'silu' | 'gelu-erf' | 'gelu-tanh' | 'quick-gelu' | 'relu' | 'relu2' | 'tanh' | 'sigmoid'

/** Definitions of the activation functions in float64. */
export const activationFunctions: Readonly<Record<ActivationKind, (x: number) => number>> = {
  silu: (x) => x * sigmoid(x),
  'gelu-erf': (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  'gelu-tanh': (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  'quick-gelu': (x) => x * sigmoid(1.702 * x),
  relu: (x) => Math.max(0, x),
  relu2: (x) => Math.max(0, x) ** 2,
  tanh: Math.tanh,
  sigmoid,
}

/** All names of activation functions. */
export const activationKinds: readonly ActivationKind[] = Object.keys(activationFunctions) as ActivationKind[]

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x))
}

/** Error function to float64 accuracy: Maclaurin series near 0, continued fraction of erfc beyond. */
export function erf(x: number): number {
  const magnitude = Math.abs(x)
  if (magnitude > 6) return Math.sign(x)
  if (magnitude < 2.5) {
    let term = magnitude
    let sum = magnitude
    for (let n = 1; Math.abs(term) > 1e-17 * sum && n < 200; n++) {
      term *= (-magnitude * magnitude) / n
      sum += term / (2 * n + 1)
    }
    return Math.sign(x) * ((2 / Math.sqrt(Math.PI)) * sum)
  }
  let fraction = 0
  for (let n = 60; n > 0; n--) fraction = n / 2 / (magnitude + fraction)
  return Math.sign(x) * (1 - Math.exp(-magnitude * magnitude) / (Math.sqrt(Math.PI) * (magnitude + fraction)))
}
