import { codebookGrid, type Grid, type IntegerGrid, normalGrid } from '@tessera-llm/quantization'
import type { CodebookFormat, IntegerFormat } from '../recipe/index.ts'

/** The grid of a recipe's format; scales are f16, as files store them, and f32 for 8-bit floats, whose range is 448. */
export function gridOf(format: IntegerFormat | CodebookFormat): Grid {
  if (!('codebook' in format)) return integerGrid(format)
  const { codebook, group } = format
  switch (codebook) {
    case 'normal2':
      return normalGrid(2, group)
    case 'normal3':
      return normalGrid(3, group)
    case 'normal4':
      return normalGrid(4, group)
    case 'fp8_e4m3':
      return codebookGrid(codebook, group, 'f32')
    default:
      return codebookGrid(codebook, group)
  }
}

/** Grid of evenly spaced integer levels with f16 scales, `group` columns each; asymmetric unless `symmetric`. */
export function integerGrid({ bits, group, symmetric = false }: IntegerFormat): IntegerGrid {
  return { kind: 'integer', bits, group, isSymmetric: symmetric, scaleType: 'f16' }
}
