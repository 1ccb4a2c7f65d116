import { type DType, TesseraError } from '@tessera-llm/tensor'

/** How WGSL reads one element of a dense tensor. */
export interface ElementReader {
  /** WGSL type of the binding. */
  readonly type: string
  /** Expression of element i, as f32, of the binding `name`. */
  at(name: string): string
}

// 16-bit elements lie in pairs in a word, the first in the low half; a bfloat16 is the upper half of an f32.
const half = (name: string): string => `${name}[i / 2u] >> (16u * (i & 1u))`
const readers: Readonly<Partial<Record<DType, ElementReader>>> = {
  f32: { type: 'array<f32>', at: (name) => `${name}[i]` },
  f16: { type: 'array<u32>', at: (name) => `unpack2x16float(${half(name)}).x` },
  bf16: { type: 'array<u32>', at: (name) => `bitcast<f32>((${half(name)}) << 16u)` },
}

/** The reader of f32, f16 or bf16 elements; needs no `shader-f16`. */
export function elementReader(dtype: DType): ElementReader {
  const reader = readers[dtype]
  if (!reader)
    throw new TesseraError(
      'invalid-kernel',
      `WGSL element reader: reads ${Object.keys(readers).join(', ')}, not ${dtype}`,
    )
  return reader
}
