import { argument } from '@tessera-llm/wasm/assembly/lib'
import { HEAD_DIM, VALUE_DIM } from '../call'
import { SPLIT } from '../decode/splits'

// Memory of a thread beside the scores (src/attention/wasm/decode.ts allocates it): scaled queries [lines][D] f32;
// rounded queries or weights [lines][max(D + 16, SPLIT)] of two bytes; factors [lines] and bases [lines]; three lines of
// max(D, Dv, SPLIT) + 32 numbers; what is read ahead (ahead.ts); decoded rows [16][max(D, Dv)].

@inline
export function roundedBytes(args: usize): usize {
  return (<usize>max<u32>(argument(args, HEAD_DIM) + 16, SPLIT)) << 1
}

@inline
export function numbersBytes(args: usize): usize {
  return (<usize>(max(max(argument(args, HEAD_DIM), argument(args, VALUE_DIM)), <u32>SPLIT) + 32)) << 2
}

/** Where it stands what is read ahead: behind three lines of numbers. */
@inline
export function aheadAt(lines: usize, args: usize): usize {
  return lines + 3 * numbersBytes(args)
}
