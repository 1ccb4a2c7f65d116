import type { ActivationKind } from '@tessera-llm/kernels'
import { TesseraError } from '@tessera-llm/tensor'

const kinds: Readonly<Record<string, ActivationKind>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu-erf',
  gelu_new: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
  gelu_fast: 'gelu-tanh',
  quick_gelu: 'quick-gelu',
  relu: 'relu',
  relu2: 'relu2',
}

/** The activation function that Hugging Face calls `name`. */
export function activationOf(name: string): ActivationKind {
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined
  if (kind === undefined)
    throw new TesseraError(
      'unsupported',
      `config.json: the activation function "${name}" is not known; supported are ${Object.keys(kinds).join(', ')}`,
    )
  return kind
}
