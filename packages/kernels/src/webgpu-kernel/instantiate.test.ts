import { expect, it } from 'vitest'
import { instantiate, renamed } from './instantiate.ts'

it('gives what fragments declare at module scope, and the names asked for, a prefix, wherever they occur', () => {
  const reader =
    'const SIZE = 4u;\nvar<workgroup> held: array<f32, SIZE>;\nfn at(row: u32) -> f32 { return weight[row * SIZE].x; }'
  const body =
    'fn sums_of(row: u32) -> f32 {\n  var at_row = at(row);\n  let x = held[0];\n  return at_row + x * f32(params.rows + params.columns);\n}'
  expect(instantiate([reader, body], 'key_', ['weight', 'params.rows'])).toBe(
    'const key_SIZE = 4u;\nvar<workgroup> key_held: array<f32, key_SIZE>;\nfn key_at(row: u32) -> f32 { return key_weight[row * key_SIZE].x; }\n' +
      'fn key_sums_of(row: u32) -> f32 {\n  var at_row = key_at(row);\n  let x = key_held[0];\n  return at_row + x * f32(params.key_rows + params.columns);\n}',
  )
})

it('leaves members and parts of words alone', () => {
  expect(renamed('x.x + x4(max, x) + params.x', { x: 'norm', x4: 'norm4' })).toBe(
    'norm.x + norm4(max, norm) + params.x',
  )
})
