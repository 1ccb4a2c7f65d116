import { type Format, isTesseraError, type WeightPacker } from '@tessera-llm/tensor'
import { describe, expect, it } from 'vitest'
import { loadCases, loadGolden } from '../../test/golden.ts'
import { grids, isRounded, randomMatrix } from '../../test/problems/index.ts'
import {
  type CodebookGrid,
  ggmlFormat,
  type Grid,
  gridFormat,
  joinParts,
  packMatrix,
  rows8GridFormat,
  rows8GridPacker,
  rows8LayoutOf,
  rows8Packers,
} from '../index.ts'

describe('rows of eight keep every bit of', () => {
  const golden = loadGolden('gguf-encode')
  it.each(rows8Packers.map((packer) => [packer.source, packer] as const))('%s', (source, packer) => {
    const cases = loadCases<{ type: string; input: string; imatrix: boolean }>('gguf-encode').filter(
      ({ type }) => type.toLowerCase() === source,
    )
    expect(cases.length).toBeGreaterThan(0)
    for (const { type, input, imatrix } of cases) {
      const blocks = golden.get(`bytes/${type}/${input}${imatrix ? '/imatrix' : ''}`)
      if (!blocks) throw new Error(`${type} ${input} is not in the golden file`)
      const stored = ggmlFormat(source)
      const rowBytes = blocks.bytes.byteLength / (blocks.shape[0] as number)
      // Full groups, and groups that lack rows.
      for (const rows of [blocks.shape[0] as number, 1, 3]) {
        const bytes = blocks.bytes.subarray(0, rows * rowBytes)
        const shape = [rows, 512]
        const packed = packer.format.decode(packer.pack(bytes, shape), shape)
        expect(
          packed.findIndex((value, i) => !Object.is(value + 0, (expected(stored, bytes, shape)[i] as number) + 0)),
          `${input}, ${rows} rows`,
        ).toBe(-1)
      }
    }
  })
})

it('signed codes have scales alone or f32 offsets', () => {
  // Where a dot product takes unsigned bytes they get 128, which their zero takes back: kernels read it for these.
  const layouts = [
    ...rows8Packers.map(({ format }) => rows8LayoutOf(format)),
    ...grids
      .map((grid) => rows8GridFormat(gridFormat(grid)))
      .map((format) => (typeof format === 'string' ? undefined : format.layout)),
  ]
  const signed = layouts.filter((layout) => layout && (layout.codes === 'bytes' || layout.codes === 'iq4'))
  expect(signed.length).toBeGreaterThan(3)
  for (const layout of signed) expect(['f16', 'i8', 'f32', 'shared f16', 'f32+offset']).toContain(layout?.scales)
})

it('packers refuse what does not fit', () => {
  const packer = rows8Packers.find(({ source }) => source === 'q4_k') as WeightPacker
  expect(packer.supports([4, 256])).toBe(true)
  expect(packer.supports([4, 96])).toContain('blocks of 256')
  expect(packer.supports([256])).toContain('matrices')
  const error = catchError(() => packer.pack(new Uint8Array(143), [1, 256]))
  expect(isTesseraError(error, 'invalid-shape') && error.message).toBe(
    'pack: a q4_k weight of [1, 256] takes 144 bytes, got 143',
  )
  expect(
    isTesseraError(
      catchError(() => packer.format.decode({}, [1, 256])),
      'invalid-shape',
    ),
  ).toBe(true)
})

it('grids keep every bit, but for the rounding of offsets and of tables; what has no kernel is refused', () => {
  for (const grid of grids) {
    const matrix = randomMatrix(grid, 11, 80)
    const { format, parts } = packMatrix(matrix)
    const packer = rows8GridPacker(format)
    const packed = packer.format.decode(packer.pack(joinParts(format, parts, [11, 80]), [11, 80]), [11, 80])
    const stored = format.decode(parts, [11, 80])
    const step = isRounded(grid)
      ? 2 ** -16 * Math.max(...(grid as CodebookGrid).values.map(Math.abs)) * Math.max(...matrix.scales)
      : 0
    const tolerance = format.zeros === 'none' ? 1.01 * step : 1e-6
    expect(
      packed.findIndex((value, i) => !(Math.abs(value - (stored[i] as number)) <= tolerance)),
      format.id,
    ).toBe(-1)
  }
  const refusal = (grid: Grid, hasColumnGroups = false) =>
    String(catchError(() => rows8GridPacker(gridFormat(grid, { hasColumnGroups }))))
  expect(
    refusal({
      kind: 'codebook',
      id: 'ramp',
      values: Float32Array.from({ length: 32 }, (_, i) => i),
      group: 64,
      scaleType: 'f16',
    }),
  ).toContain('not ramp of 32 values; keep such a weight dense')
  expect(refusal({ kind: 'integer', bits: 4, group: 48, isSymmetric: true, scaleType: 'f32' })).toContain(
    'multiples of 32 columns, not of 48',
  )
  expect(refusal({ kind: 'integer', bits: 4, group: 64, isSymmetric: true, scaleType: 'f32' }, true)).toContain(
    'columns that name their groups',
  )
})

const decoded = new Map<Uint8Array, Float64Array>()
function expected(format: Format, bytes: Uint8Array, shape: readonly number[]): Float64Array {
  const known = decoded.get(bytes) ?? format.decode({ blocks: bytes }, shape)
  decoded.set(bytes, known)
  return known
}

function catchError(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}
