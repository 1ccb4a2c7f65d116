import { type CacheKind, denseCache } from '@tessera-llm/attention'
import type { Activations } from '@tessera-llm/kernels'
import type { Device } from '@tessera-llm/tensor'

/** Inputs of packed linear layers where nobody asked for any: products of small integers save time on WebAssembly alone. */
export function defaultActivations(kind: Device['kind']): Activations {
  return kind === 'wasm' ? 'int8' : 'f32'
}

/**
 * How keys and values are kept where nobody asked. Beside activations of 8 bits, the rounding of f16 is lost (a divergence of 3.5e-7 against
 * one of 1e-3), and half of the memory is saved; a session in f32 stays exact.
 */
export function defaultCache(activations: Activations): CacheKind {
  return denseCache(activations === 'f32' ? 'f32' : 'f16')
}
