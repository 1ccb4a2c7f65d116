// Coordinate descent over the codes of one row, scales fixed.
import { IS_TABLE, LAST_CODE, MIDDLES, VALUES } from './grid'
import { madd } from './lanes'

/**
 * Goes over the columns once; each takes the code that is best given all others. `gradient` f32 [n] is the row's lost
 * part times H, `rounded` f32 [n] the values of the codes f32 [n]; all three are kept up to date. `scales` and `zeros`
 * f32 are those of the row's groups of `width` columns, `hessian` f32 [n][stride]. Returns by how much the loss fell.
 */
export function refineRow(
  gradient: usize,
  rounded: usize,
  codes: usize,
  scales: usize,
  zeros: usize,
  hessian: usize,
  stride: u32,
  n: u32,
  width: u32,
  grid: usize,
): f64 {
  const isTable = load<i32>(grid, IS_TABLE)
  const last = load<f32>(grid, LAST_CODE)
  const table = load<usize>(grid, VALUES)
  const middles = load<usize>(grid, MIDDLES)
  let fallen: f64 = 0
  for (let group: u32 = 0, column: u32 = 0; column < n; group++) {
    const scale = load<f32>(scales + ((<usize>group) << 2))
    const zero = load<f32>(zeros + ((<usize>group) << 2))
    const inverse: f32 = 1 / scale
    for (const end = min(column + width, n); column < end; column++) {
      const at = (<usize>column) << 2
      const line = hessian + ((<usize>column * stride) << 2)
      const before = load<f32>(rounded + at)
      const target = (before + load<f32>(gradient + at) / load<f32>(line + at)) * inverse
      let code: f32 = 0
      if (isTable) {
        while (code < last && target > load<f32>(middles + ((<usize>code) << 2))) code++
      } else {
        code = max(min(nearest(target) + zero, last), 0)
      }
      if (code == load<f32>(codes + at)) continue
      const after: f32 = scale * (isTable ? load<f32>(table + ((<usize>code) << 2)) : code - zero)
      const change: f64 = <f64>after - <f64>before
      fallen += change * (2 * <f64>load<f32>(gradient + at) - change * <f64>load<f32>(line + at))
      store<f32>(codes + at, code)
      store<f32>(rounded + at, after)
      add(gradient, line, before - after, stride)
    }
  }
  return fallen
}

/** gradient += factor · line, for `count` values, a multiple of 4. */
export function add(gradient: usize, line: usize, factor: f32, count: u32): void {
  const by = f32x4.splat(factor)
  for (const end = gradient + ((<usize>count) << 2); gradient < end; gradient += 16, line += 16)
    v128.store(gradient, madd(v128.load(line), by, v128.load(gradient)))
}
