import { searchStep, searchSteps } from '../scale/index.ts'
import type { GridStore } from './grid-target.ts'
import type { GptqPlan } from './kernel.ts'
import type { Buffers } from './wasm-buffers.ts'

/** Fraction bits that a scale loses to its type. */
const cutBits = { f32: 0, f16: 13, bf16: 16 } as const

/** Writes the grid's fields (assembly/gptq/lanes.ts names them); returns what turns the kernel's codes into the grid's. */
export function writeGrid(
  { grid, group }: GridStore,
  rule: GptqPlan['rule'],
  { at, views }: Buffers,
): (code: number) => number {
  const fields = views.grid
  const words = new Int32Array(fields.buffer, fields.byteOffset, fields.length)
  const isTable = grid.kind === 'codebook'
  const codes = isTable ? group.rising : []
  const last = grid.kind === 'codebook' ? codes.length - 1 : 2 ** grid.bits - 1
  const isSymmetric = grid.kind === 'codebook' || grid.isSymmetric
  words[0] = isTable ? 1 : 0
  fields[1] = last
  words[2] = isSymmetric ? 1 : 0
  words[3] = cutBits[grid.scaleType as keyof typeof cutBits]
  words[4] = rule === 'search' ? searchSteps : 1
  fields[5] = 1
  fields[6] = searchStep(grid)
  words[7] = at.table
  words[8] = at.middles
  fields[9] = grid.kind === 'codebook' ? 0 : 2 ** (grid.bits - 1)
  words[10] = rule === 'search' && !isSymmetric ? 3 : 1
  if (grid.kind === 'integer') return (code) => code
  const values = codes.map((code) => grid.values[code] as number)
  views.table.set(values)
  views.middles.set(values.slice(1).map((value, i) => (value + (values[i] as number)) / 2))
  fields[11] = Math.max(...values.map(Math.abs))
  return (code) => codes[code] as number
}
