import { type DType, TesseraError } from '@tessera-llm/tensor'

/** WGSL access to single elements of a dense tensor. */
export interface ElementReader {
  /** WGSL type of the binding. */
  readonly type: string
  /** WGSL expression of element i of the binding `name`, as f32. */
  at(name: string): string
}

// A word holds two 16-bit elements, the first in the low half. A bf16 is the upper half of an f32.
const half = (name: string): string => `${name}[i / 2u] >> (16u * (i & 1u))`
const readers: Readonly<Partial<Record<DType, ElementReader>>> = {
  f32: { type: 'array<f32>', at: (name) => `${name}[i]` },
  f16: { type: 'array<u32>', at: (name) => `unpack2x16float(${half(name)}).x` },
  bf16: { type: 'array<u32>', at: (name) => `bitcast<f32>((${half(name)}) << 16u)` },
}

/** Reader of f32, f16 or bf16 elements. Does not need `shader-f16`. */
export function elementReader(dtype: DType): ElementReader {
  const reader = readers[dtype]
  if (!reader)
    throw new TesseraError(
      'invalid-kernel',
      `WGSL element reader: reads ${Object.keys(readers).join(', ')}, not ${dtype}`,
    )
  return reader
}
