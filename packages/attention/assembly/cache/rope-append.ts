import { argument, floatArgument, normaliseRow, rotateRow, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { placeOf, storeRow } from './append'

const Q: u32 = 0
const K: u32 = 1
const V: u32 = 2
const COS: u32 = 3
const SIN: u32 = 4
const POSITIONS: u32 = 5
const KEYS: u32 = 6
const VALUES: u32 = 7
const TABLE: u32 = 8
const PAGES: u32 = 9
const TOKENS: u32 = 10
const LENGTH: u32 = 11
const HEADS: u32 = 12
const KV_HEADS: u32 = 13
const CAPACITY: u32 = 14
const WIDTH: u32 = 15
const VALUE_WIDTH: u32 = 16
const HALF: u32 = 17
const NEOX: u32 = 18
const HALF_KEYS: u32 = 19
const HALF_VALUES: u32 = 20
const QUERY_NORM: u32 = 21
const KEY_NORM: u32 = 22
const EPS: u32 = 23
const UNIT: u32 = 24
const SCRATCH: u32 = 25
const SCRATCH_BYTES: u32 = 26

/**
 * Words as above, with the tokens of all sequences. Threads share the heads of q, k and v of all tokens; scratch holds
 * one head of k per thread.
 */
export function ropeAppend(args: usize, thread: u32, threads: u32): void {
  const heads = argument(args, HEADS)
  const kvHeads = argument(args, KV_HEADS)
  const width = argument(args, WIDTH)
  const valueWidth = argument(args, VALUE_WIDTH)
  const half = argument(args, HALF)
  const each = heads + 2 * kvHeads
  const units = argument(args, TOKENS) * each
  const rotated: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const end = shareEnd(units, thread, threads)
  for (let unit = shareBegin(units, thread, threads); unit < end; unit++) {
    const token = unit / each
    const head = unit % each
    const row = load<i32>(argument(args, POSITIONS) + (token << 2))
    const angles: usize = (<usize>row * half) << 2
    const cos = argument(args, COS) + angles
    const sin = argument(args, SIN) + angles
    if (head < heads) {
      const q: usize = argument(args, Q) + (((token * heads + head) * width) << 2)
      prepare(args, argument(args, QUERY_NORM), q, q, cos, sin, half, width)
      continue
    }
    const isKey = head < heads + kvHeads
    const kvHead = isKey ? head - heads : head - heads - kvHeads
    const place = placeOf(
      row,
      token / argument(args, LENGTH),
      kvHead,
      kvHeads,
      argument(args, CAPACITY),
      argument(args, TABLE),
      argument(args, PAGES),
    )
    if (place < 0) continue
    const index = token * kvHeads + kvHead
    if (!isKey) {
      storeRow(
        argument(args, VALUES),
        place,
        argument(args, V) + ((index * valueWidth) << 2),
        valueWidth,
        argument(args, HALF_VALUES) != 0,
      )
      continue
    }
    const isHalf = argument(args, HALF_KEYS) != 0
    const to: usize = isHalf ? rotated : argument(args, KEYS) + ((<usize>place * width) << 2)
    prepare(args, argument(args, KEY_NORM), argument(args, K) + ((index * width) << 2), to, cos, sin, half, width)
    if (isHalf) storeRow(argument(args, KEYS), place, rotated, width, true)
  }
}

/** Normalizes (if `norm` is not 0) and rotates a head from x to y, which may alias x. */
function prepare(args: usize, norm: usize, x: usize, y: usize, cos: usize, sin: usize, half: u32, width: u32): void {
  if (norm != 0) {
    normaliseRow(x, norm, y, width, floatArgument(args, EPS), floatArgument(args, UNIT), 0)
    x = y
  }
  rotateRow(x, y, cos, sin, half, width, argument(args, NEOX) != 0)
}
