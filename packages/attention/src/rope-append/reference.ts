import type { HostTensor } from '@tessera-llm/tensor'
import type { RopeAppendOptions } from './contract.ts'

/** Heads f32[B, L, H, D] after RMSNorm over D, if there is a norm, and rotation by their positions. */
export function prepareHeads(
  x: HostTensor,
  norm: HostTensor | undefined,
  positions: HostTensor,
  { cos, sin }: { readonly cos: HostTensor; readonly sin: HostTensor },
  { style, eps = 0, unitOffset = false }: RopeAppendOptions,
): Float64Array {
  const [, , heads = 0, width = 0] = x.shape
  const half = cos.shape[1] ?? 0
  const out = Float64Array.from(x.data)
  for (const [token, position] of positions.data.entries()) {
    for (let head = 0; head < heads; head++) {
      const row = out.subarray((token * heads + head) * width, (token * heads + head + 1) * width)
      if (norm) {
        const factor = 1 / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / width + eps)
        for (let d = 0; d < width; d++)
          row[d] = (row[d] as number) * factor * ((norm.data[d] as number) + (unitOffset ? 1 : 0))
      }
      for (let i = 0; i < half; i++) {
        const [first, second] = style === 'neox' ? [i, i + half] : [2 * i, 2 * i + 1]
        const [a, b] = [row[first] as number, row[second] as number]
        const [c, s] = [cos.data[position * half + i] as number, sin.data[position * half + i] as number]
        row[first] = a * c - b * s
        row[second] = b * c + a * s
      }
    }
  }
  return out
}
