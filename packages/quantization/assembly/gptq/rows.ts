import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { fitPanel, simulatePanel, sweepPanel } from './panel'
import { currentPanel, gradientPanel, pendingPanel, solvePanel } from './products'
import { refineRow } from './refine'

// GPTQ over the rows of a weight, 8 at a time. No row sees another, so panels are shared out and which thread takes one changes no code.

/**
 * Words of the arguments: weights f32 [N, K] as they are stored, the order i32 [K] in which columns are rounded; then in that order R and
 * H + λ f32 [S, S], S being K in whole fours and R having ones on the diagonal there, the mismatch f32 [S, S] or 0, and the triangles of the
 * groups, f32 [G][width][width], line c holding what the errors of earlier columns do to column c; codes u8 [N, K] as stored, scales and zeros
 * f32 [N, G] in the order of rounding, what each row loses f32 [N].
 */
const WEIGHTS: u32 = 0,
  ORDER: u32 = 1,
  FACTOR: u32 = 2,
  HESSIAN: u32 = 3,
  MISMATCH: u32 = 4,
  TRIANGLES: u32 = 5,
  CODES: u32 = 6,
  SCALES: u32 = 7,
  ZEROS: u32 = 8,
  LOSS: u32 = 9
const ROWS: u32 = 10,
  COLUMNS: u32 = 11,
  WIDTH: u32 = 12,
  PASSES: u32 = 13,
  SIMULATED: u32 = 14,
  TABLE: u32 = 15,
  TABLE_SIZE: u32 = 16,
  SCRATCH: u32 = 17,
  SCRATCH_BYTES: u32 = 18
/** Then the grid's fields (lanes.ts), but for what a table says. */
const GRID: usize = 19 * 4
const GRID_BYTES: usize = 44

/** Bytes of a column of a panel. */
const COLUMN: usize = 32
const MOST_CODES: usize = 16

/** Panels of 8 rows are shared out. */
export function sweepRows(args: usize, thread: u32, threads: u32): void {
  const rows = argument(args, ROWS),
    panels = (rows + 7) >> 3
  const end = shareEnd(panels, thread, threads)
  const grid: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  layGrid(args, grid)
  for (let panel = shareBegin(panels, thread, threads); panel < end; panel++)
    sweepEight(args, panel << 3, min<u32>(8, rows - (panel << 3)), grid)
}

/** The grid's fields, the table, and the middles between its values. */
function layGrid(args: usize, grid: usize): void {
  memory.copy(grid, args + GRID, GRID_BYTES)
  const from: usize = argument(args, TABLE),
    table = grid + 64,
    middles = table + 4 * MOST_CODES,
    count = argument(args, TABLE_SIZE)
  store<u32>(grid, <u32>table, 28)
  store<u32>(grid, <u32>middles, 32)
  let largest: f32 = 0
  for (let i: usize = 0; i < count; i++) {
    const value = load<f32>(from + (i << 2))
    store<f32>(table + (i << 2), value)
    largest = max(largest, abs(value))
    if (i > 0) store<f32>(middles + ((i - 1) << 2), <f32>((<f64>value + <f64>load<f32>(from + ((i - 1) << 2))) / 2))
  }
  store<f32>(grid, largest, 44)
}

/**
 * The grid is followed in a thread's scratch by three small arrays, seven panels of all columns, three of a group, and
 * the rows of the descent.
 */
function sweepEight(args: usize, first: u32, count: u32, grid: usize): void {
  const columns = argument(args, COLUMNS),
    width = argument(args, WIDTH),
    groups = (columns + width - 1) / width,
    stride = (columns + 3) & ~3
  const factor: usize = argument(args, FACTOR),
    mismatch: usize = argument(args, MISMATCH),
    order: usize = argument(args, ORDER),
    keep = argument(args, SIMULATED)
  const wide: usize = <usize>stride * COLUMN,
    narrow: usize = <usize>width * COLUMN
  const chosen = grid + 64 + 8 * MOST_CODES,
    loss = chosen + 64,
    list = loss + 32,
    roots = list + <usize>keep * 96,
    costs = roots + ((<usize>width) << 2)
  const weights = (costs + ((<usize>width) << 2) + 63) & ~63
  const pending = weights + wide,
    errors = pending + wide,
    rounded = errors + wide,
    codes = rounded + wide,
    gradient = codes + wide
  const current = gradient + wide,
    lost = current + narrow,
    line = lost + narrow
  memory.fill(weights, 0, 3 * wide)
  memory.fill(loss, 0, 32)
  layRows(argument(args, WEIGHTS) + ((<usize>first * columns) << 2), columns, count, order, weights)
  if (mismatch != 0) {
    // Errors that are pending from the start: what corrects the targets, times R.
    pendingPanel(weights, mismatch, stride, columns, 0, stride, pending)
    solvePanel(pending, factor, stride, stride)
  }
  for (let group: u32 = 0; group < groups; group++) {
    const start = group * width,
      size = min(width, columns - start),
      next = start + size
    const at: usize = <usize>start * COLUMN,
      triangle: usize = argument(args, TRIANGLES) + ((<usize>group * width * width) << 2)
    for (let i: u32 = 0; i < size; i++) {
      const root = load<f32>(factor + ((<usize>(start + i) * (stride + 1)) << 2))
      store<f32>(roots + ((<usize>i) << 2), root)
      store<f32>(costs + ((<usize>i) << 2), root * root)
    }
    currentPanel(weights + at, pending + at, triangle, size, size, current)
    fitPanel(current, size, costs, grid, list, keep)
    simulatePanel(current, size, triangle, size, roots, grid, list, keep, chosen, errors + at)
    sweepPanel(current, size, triangle, size, roots, grid, chosen, errors + at, rounded + at, codes + at, loss)
    if (next < columns) {
      for (let i: usize = 0; i < <usize>size * COLUMN; i += 16)
        v128.store(lost + i, f32x4.sub(v128.load(weights + at + i), v128.load(rounded + at + i)))
      // Tiles begin at multiples of 4: what they reach before the next column is done with.
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
    const lane: usize = (<usize>row) << 2,
      place: usize = (<usize>(first + row)) << 2
    let fallen: f64 = 0
    if (passes > 0) fallen = descend(args, first + row, gradient + lane, rounded + lane, codes + lane, line, grid)
    store<f32>(argument(args, LOSS) + place, <f32>(<f64>load<f32>(loss + lane) - fallen))
    const to: usize = argument(args, CODES) + <usize>(first + row) * columns
    for (let column: u32 = 0; column < columns; column++)
      store<u8>(to + load<u32>(order + ((<usize>column) << 2)), <u8>load<f32>(codes + lane + <usize>column * COLUMN))
  }
}

/** A panel of the rows, columns in processing order; rows and columns that are not there stay as they are. */
function layRows(rows: usize, columns: u32, count: u32, order: usize, panel: usize): void {
  for (let column: u32 = 0; column < columns; column++, panel += COLUMN) {
    let from = rows + ((<usize>load<u32>(order + ((<usize>column) << 2))) << 2)
    for (let row: u32 = 0; row < count; row++, from += (<usize>columns) << 2)
      store<f32>(panel + ((<usize>row) << 2), load<f32>(from))
  }
}

/** Goes over the codes of one row until none changes, `passes` times at most; returns by how much the loss fell. */
function descend(args: usize, row: u32, gradient: usize, rounded: usize, codes: usize, line: usize, grid: usize): f64 {
  const columns = argument(args, COLUMNS),
    width = argument(args, WIDTH),
    groups = (columns + width - 1) / width,
    stride = (columns + 3) & ~3
  const bytes: usize = (<usize>stride) << 2,
    rowRounded = line + bytes,
    rowCodes = rowRounded + bytes,
    own: usize = (<usize>(row * groups)) << 2
  for (let column: usize = 0; column < stride; column++) {
    const from = column * COLUMN,
      to = column << 2
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
