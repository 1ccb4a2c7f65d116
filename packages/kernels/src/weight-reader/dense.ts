import type { WeightSpec } from '@tessera-llm/tensor'
import bf16Vector from './bf16-vector.wgsl'
import denseScalar from './dense-scalar.wgsl'
import denseVector from './dense-vector.wgsl'
import f16Vector from './f16-vector.wgsl'
import f32Vector from './f32-vector.wgsl'
import { elementReader } from './element.ts'
import type { WeightReader } from './weight-reader.ts'

/** Readers of dense f32, f16 and bf16 weights. 16-bit ones are read as packed words, so `shader-f16` is not needed. */
export const denseReaders: readonly WeightReader[] = [
  denseReader('f32', { type: 'array<vec4<f32>>', source: f32Vector }),
  denseReader('f16', { type: 'array<vec2<u32>>', source: f16Vector }),
  denseReader('bf16', { type: 'array<vec2<u32>>', source: bf16Vector }),
]

interface Access {
  readonly type: string
  readonly source: string
}

function denseReader(dtype: 'f32' | 'f16' | 'bf16', vector: Access): WeightReader {
  const element = elementReader(dtype)
  const scalar: Access = { type: element.type, source: `fn weight1(i: u32) -> f32 { return ${element.at('weight')}; }` }
  const isVector = (weight: WeightSpec) => (weight.shape.at(-1) ?? 0) % 4 === 0
  return {
    name: dtype,
    supports: (weight) =>
      (weight.kind === 'dense' && weight.dtype === dtype) ||
      `reads dense ${dtype}, not ${weight.kind === 'dense' ? weight.dtype : weight.format.id}`,
    groupSize: () => 8,
    hasMinimum: () => false,
    bindings: (weight) => [
      { name: 'weight', tensor: 'weight', access: 'read', type: (isVector(weight) ? vector : scalar).type },
    ],
    fragments: (weight) => (isVector(weight) ? [vector.source, denseVector] : [scalar.source, denseScalar]),
  }
}
