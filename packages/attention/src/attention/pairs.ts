import type { AttentionOptions } from './contract.ts'

/** Number of (query row, visible key) pairs, as far as shapes and options determine it. */
export function visiblePairs(
  q: readonly number[],
  k: readonly number[],
  { layout = 'bhld', kvLayout = layout, isCausal = false, windowLeft, windowRight }: AttentionOptions,
): number {
  const rows = q[layout === 'bhld' ? 2 : 1] ?? 0
  const keys = k[kvLayout === 'bhld' ? 2 : 1] ?? 0
  let pairs = 0
  for (let row = 0; row < rows; row++) {
    const position = keys - rows + row
    const right = isCausal ? 0 : windowRight
    const first = windowLeft === undefined ? 0 : Math.max(0, position - windowLeft)
    const end = right === undefined ? keys : Math.min(keys, position + right + 1)
    pairs += Math.max(0, end - first)
  }
  return pairs
}
