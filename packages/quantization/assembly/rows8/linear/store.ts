import { storeToken } from '@tessera-llm/kernels/assembly/linear/panel'
import { storeTile } from '@tessera-llm/kernels/assembly/linear/store'
import { argument } from '@tessera-llm/wasm/assembly/lib'
import { BIAS, RESIDUAL, ROWS, Y } from './arguments'

// Stores results with their bias and residual.

/**
 * Adds bias and residual of group g to the sums of `count` tokens from `token` on, which lie at `sums`, and stores
 * them.
 */
@inline
export function storeGroup(args: usize, token: u32, count: u32, g: u32, sums: usize): void {
  const rows = argument(args, ROWS)
  const stride: usize = (<usize>rows) << 2
  const column: usize = (<usize>g) << 5
  const at = <usize>token * stride + column
  const bias: usize = argument(args, BIAS)
  const residual: usize = argument(args, RESIDUAL)
  storeTile(
    sums,
    count,
    min<u32>(8, rows - (g << 3)),
    argument(args, Y) + at,
    stride,
    bias == 0 ? 0 : bias + column,
    residual == 0 ? 0 : residual + at,
  )
}

/**
 * `storeGroup` for a whole tile of four tokens or six, results 32 bytes apart; `bias` and `residual` (0 for none) are
 * addresses of the tile's first.
 */
@inline
export function storeWhole(count: i32, sums: usize, y: usize, stride: usize, bias: usize, residual: usize): void {
  const rest: usize = residual == 0 ? 0 : stride
  for (const end = sums + 32 * count; sums < end; sums += 32, y += stride, residual += rest)
    storeToken(v128.load(sums), v128.load(sums, 16), y, bias, residual)
}

/** Adds bias and residual of group g to one token's sums at `out`, and stores them. */
@inline
export function storeToken8(args: usize, g: u32, out: usize): void {
  const y: usize = argument(args, Y)
  const bias: usize = argument(args, BIAS)
  const residual: usize = argument(args, RESIDUAL)
  const column: usize = (<usize>g) << 5
  if (argument(args, ROWS) - (g << 3) >= 8)
    storeToken(
      v128.load(out),
      v128.load(out, 16),
      y + column,
      bias == 0 ? 0 : bias + column,
      residual == 0 ? 0 : residual + column,
    )
  else storeGroup(args, 0, 1, g, out)
}
