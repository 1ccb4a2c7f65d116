import { type CacheKind, denseCache } from '@tessera-llm/attention'
import type { Activations } from '@tessera-llm/kernels'
import type { Device } from '@tessera-llm/tensor'

/**
 * Default rounding of the inputs of packed linear layers: products of small integers are faster only on WebAssembly.
 */
export function defaultActivations(kind: Device['kind']): Activations {
  return kind === 'wasm' ? 'int8' : 'f32'
}

/**
 * Default cache. Beside 8-bit activations the rounding error of f16 is negligible (a divergence of 3.5e-7 beside 1e-3)
 * and memory is halved; a session in f32 stays exact.
 */
export function defaultCache(activations: Activations): CacheKind {
  return denseCache(activations === 'f32' ? 'f32' : 'f16')
}
