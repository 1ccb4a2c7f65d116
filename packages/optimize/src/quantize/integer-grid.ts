import type { IntegerGrid } from '@tessera-llm/quantization'
import type { IntegerFormat } from '../recipe/index.ts'

/** The grid of integers that recipes ask for; scales are f16, as files store them. */
export function integerGrid({ bits, group, symmetric = false }: IntegerFormat): IntegerGrid {
  return { kind: 'integer', bits, group, isSymmetric: symmetric, scaleType: 'f16' }
}
