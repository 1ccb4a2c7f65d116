import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { fitPanel } from './fit'
import { LARGEST_VALUE, MIDDLES, VALUES } from './grid'
import { COLUMN, ENTRY } from './lanes'
import { currentPanel, gradientPanel, pendingPanel, solvePanel } from './products'
import { refineRow } from './refine'
import { simulatePanel, sweepPanel } from './sweep'

// GPTQ over the rows of a weight, 8 at a time. No row sees another: threads share the panels, and which thread takes
// one changes no code.

// Words of the arguments. N × K is the shape of the weight; S is K in whole fours, with ones on the diagonal of R
// there.

/** Address of the weights, f32 [N, K] as stored. */
const WEIGHTS: u32 = 0
/** Address of the order in which columns are rounded, i32 [K]; everything below but the codes is in that order. */
const ORDER: u32 = 1
/** Address of R, f32 [S, S]. */
const FACTOR: u32 = 2
/** Address of H + λ, f32 [S, S]. */
const HESSIAN: u32 = 3
/** Address of the mismatch, f32 [S, S], or 0. */
const MISMATCH: u32 = 4
/** Address of the groups' triangles, f32 [G][width][width]: line c holds the weights of earlier errors in column c. */
const TRIANGLES: u32 = 5
/** Address of the codes, u8 [N, K] as stored. */
const CODES: u32 = 6
/** Addresses of the scales and zeros, f32 [N, G]. */
const SCALES: u32 = 7
const ZEROS: u32 = 8
/** Address of each row's loss, f32 [N]. */
const LOSS: u32 = 9
const ROWS: u32 = 10
const COLUMNS: u32 = 11
/** Columns of a group. */
const WIDTH: u32 = 12
/** Passes of coordinate descent at most. */
const PASSES: u32 = 13
/** Candidates whose sweep is simulated. */
const SIMULATED: u32 = 14
/** Address of the table's values, and how many they are. */
const TABLE: u32 = 15
const TABLE_SIZE: u32 = 16
const SCRATCH: u32 = 17
/** Scratch bytes of one thread. */
const SCRATCH_BYTES: u32 = 18
/** Byte offset of the grid's fields (grid.ts), which end the arguments; the table's own are left to `layGrid`. */
const GRID: usize = 19 * 4
const GRID_BYTES: usize = 44

/** Values of the largest table. */
const MOST_CODES: usize = 16

/** Rounds the rows of a weight; threads share panels of 8 rows. */
export function sweepRows(args: usize, thread: u32, threads: u32): void {
  const rows = argument(args, ROWS)
  const panels = (rows + 7) >> 3
  const end = shareEnd(panels, thread, threads)
  const grid: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  layGrid(args, grid)
  for (let panel = shareBegin(panels, thread, threads); panel < end; panel++)
    sweepEight(args, panel << 3, min<u32>(8, rows - (panel << 3)), grid)
}

/** Lays out a thread's grid: the fields, 64 bytes further the table, then the middles between its values. */
function layGrid(args: usize, grid: usize): void {
  memory.copy(grid, args + GRID, GRID_BYTES)
  const from: usize = argument(args, TABLE)
  const table = grid + 64
  const middles = table + 4 * MOST_CODES
  const count = argument(args, TABLE_SIZE)
  store<u32>(grid, <u32>table, VALUES)
  store<u32>(grid, <u32>middles, MIDDLES)
  let largest: f32 = 0
  for (let i: usize = 0; i < count; i++) {
    const value = load<f32>(from + (i << 2))
    store<f32>(table + (i << 2), value)
    largest = max(largest, abs(value))
    if (i > 0) store<f32>(middles + ((i - 1) << 2), <f32>((<f64>value + <f64>load<f32>(from + ((i - 1) << 2))) / 2))
  }
  store<f32>(grid, largest, LARGEST_VALUE)
}

/**
 * Rounds a panel of `count` rows from `first` on. A thread's scratch holds the grid, small arrays (`chosen` to
 * `costs`), six panels of all columns, two of a group, and three rows for the descent.
 */
function sweepEight(args: usize, first: u32, count: u32, grid: usize): void {
  const columns = argument(args, COLUMNS)
  const width = argument(args, WIDTH)
  const groups = (columns + width - 1) / width
  const stride = (columns + 3) & ~3
  const factor: usize = argument(args, FACTOR)
  const mismatch: usize = argument(args, MISMATCH)
  const order: usize = argument(args, ORDER)
  const keep = argument(args, SIMULATED)
  const wide: usize = <usize>stride * COLUMN
  const narrow: usize = <usize>width * COLUMN
  const chosen = grid + 64 + 8 * MOST_CODES
  const loss = chosen + 64
  const list = loss + 32
  const roots = list + <usize>keep * ENTRY
  const costs = roots + ((<usize>width) << 2)
  const weights = (costs + ((<usize>width) << 2) + 63) & ~63
  const pending = weights + wide
  const errors = pending + wide
  const rounded = errors + wide
  const codes = rounded + wide
  const gradient = codes + wide
  const current = gradient + wide
  const lost = current + narrow
  const line = lost + narrow
  memory.fill(weights, 0, 3 * wide)
  memory.fill(loss, 0, 32)
  layRows(argument(args, WEIGHTS) + ((<usize>first * columns) << 2), columns, count, order, weights)
  if (mismatch != 0) {
    // Errors pending from the start: the correction of the targets, times R.
    pendingPanel(weights, mismatch, stride, columns, 0, stride, pending)
    solvePanel(pending, factor, stride, stride)
  }
  for (let group: u32 = 0; group < groups; group++) {
    const start = group * width
    const size = min(width, columns - start)
    const next = start + size
    const at: usize = <usize>start * COLUMN
    const triangle: usize = argument(args, TRIANGLES) + ((<usize>group * width * width) << 2)
    for (let i: u32 = 0; i < size; i++) {
      const root = load<f32>(factor + ((<usize>(start + i) * (stride + 1)) << 2))
      store<f32>(roots + ((<usize>i) << 2), root)
      store<f32>(costs + ((<usize>i) << 2), root * root)
    }
    currentPanel(weights + at, pending + at, triangle, size, current)
    fitPanel(current, size, costs, grid, list, keep)
    simulatePanel(current, size, triangle, roots, grid, list, keep, chosen, errors + at)
    sweepPanel(current, size, triangle, roots, grid, chosen, errors + at, rounded + at, codes + at, loss)
    if (next < columns) {
      for (let i: usize = 0; i < <usize>size * COLUMN; i += 16)
        v128.store(lost + i, f32x4.sub(v128.load(weights + at + i), v128.load(rounded + at + i)))
      // Tiles begin at multiples of 4; columns that they reach before the next one are finished, so changing them is
      // harmless.
      pendingPanel(lost, factor + ((<usize>start * stride) << 2), stride, size, next & ~3, stride, pending)
    }
    for (let row: u32 = 0; row < count; row++) {
      const to: usize = (<usize>((first + row) * groups + group)) << 2
      store<f32>(argument(args, SCALES) + to, load<f32>(chosen + ((<usize>row) << 2)))
      store<f32>(argument(args, ZEROS) + to, load<f32>(chosen + ((<usize>row) << 2), 32))
    }
  }
  const passes = argument(args, PASSES)
  if (passes > 0) gradientPanel(errors, factor, stride, stride, gradient)
  for (let row: u32 = 0; row < count; row++) {
    const lane: usize = (<usize>row) << 2
    const place: usize = (<usize>(first + row)) << 2
    let fallen: f64 = 0
    if (passes > 0) fallen = descend(args, first + row, gradient + lane, rounded + lane, codes + lane, line, grid)
    store<f32>(argument(args, LOSS) + place, <f32>(<f64>load<f32>(loss + lane) - fallen))
    const to: usize = argument(args, CODES) + <usize>(first + row) * columns
    for (let column: u32 = 0; column < columns; column++)
      store<u8>(to + load<u32>(order + ((<usize>column) << 2)), <u8>load<f32>(codes + lane + <usize>column * COLUMN))
  }
}

/** Lays rows as a panel, columns in the order of rounding; lanes without a row stay as they are. */
function layRows(rows: usize, columns: u32, count: u32, order: usize, panel: usize): void {
  for (let column: u32 = 0; column < columns; column++, panel += COLUMN) {
    let from = rows + ((<usize>load<u32>(order + ((<usize>column) << 2))) << 2)
    for (let row: u32 = 0; row < count; row++, from += (<usize>columns) << 2)
      store<f32>(panel + ((<usize>row) << 2), load<f32>(from))
  }
}

/** Goes over the codes of one row until none changes, `passes` times at most; returns by how much the loss fell. */
function descend(args: usize, row: u32, gradient: usize, rounded: usize, codes: usize, line: usize, grid: usize): f64 {
  const columns = argument(args, COLUMNS)
  const width = argument(args, WIDTH)
  const groups = (columns + width - 1) / width
  const stride = (columns + 3) & ~3
  const bytes: usize = (<usize>stride) << 2
  const rowRounded = line + bytes
  const rowCodes = rowRounded + bytes
  const own: usize = (<usize>(row * groups)) << 2
  for (let column: usize = 0; column < stride; column++) {
    const from = column * COLUMN
    const to = column << 2
    store<f32>(line + to, load<f32>(gradient + from))
    store<f32>(rowRounded + to, load<f32>(rounded + from))
    store<f32>(rowCodes + to, load<f32>(codes + from))
  }
  let fallen: f64 = 0
  for (let pass: u32 = 0, passes = argument(args, PASSES); pass < passes; pass++) {
    const by = refineRow(
      line,
      rowRounded,
      rowCodes,
      argument(args, SCALES) + own,
      argument(args, ZEROS) + own,
      argument(args, HESSIAN),
      stride,
      columns,
      width,
      grid,
    )
    if (by == 0) break
    fallen += by
  }
  for (let column: usize = 0; column < columns; column++)
    store<f32>(codes + column * COLUMN, load<f32>(rowCodes + (column << 2)))
  return fallen
}
