import { argument } from '@tessera-llm/wasm/assembly/lib'
import { HEAD_DIM, VALUE_DIM } from '../call'
import { SPLIT } from '../decode/splits'

// Memory of a thread beside the scores (src/attention/wasm/decode.ts allocates it): rounded queries or weights
// [lines][max(D + D / 16 + 48, SPLIT)] i16, or as many i8 as blocks of 32 hold, followed by a factor per block; factors
// [lines] and bases [lines]; scales, minima and a scaled line of max(D, Dv, SPLIT) + 32 numbers each; decoded rows
// [16][max(D, Dv)].

@inline
export function roundedBytes(args: usize): usize {
  const width = argument(args, HEAD_DIM)
  return (<usize>max<u32>(width + (width >> 4) + 48, SPLIT)) << 1
}

@inline
export function numbersBytes(args: usize): usize {
  return (<usize>(max(max(argument(args, HEAD_DIM), argument(args, VALUE_DIM)), <u32>SPLIT) + 32)) << 2
}
