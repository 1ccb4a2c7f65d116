import { createReferenceDevice } from '@tessera-llm/tensor'
import { attention, type HeadWeights, type ProjectionWeights } from '../../src/index.ts'

const device = createReferenceDevice()

export interface LayerOptions {
  readonly batch: number
  readonly seq: number
  readonly isCausal?: boolean
  readonly rope?: { readonly style: 'neox' | 'gptj'; readonly rotaryDim: number }
}

/** Output of an attention layer for x [batch, seq, inputs]; all but attention, on the reference device, in float64. */
export async function attentionLayer(
  weights: HeadWeights,
  x: ArrayLike<number>,
  { batch, seq, isCausal = true, rope }: LayerOptions,
): Promise<Float64Array> {
  const { numHeads, numKvHeads, headDim, valueDim = headDim, query, key, value, output } = weights
  const tokens = batch * seq
  const heads = (projection: ProjectionWeights, count: number, size: number, isRotated: boolean) => {
    const rows = project(projection, x, tokens)
    if (isRotated && rope) rotate(rows, count, size, seq, rope)
    return device.tensor(Float32Array.from(rows), [batch, seq, count, size])
  }
  const { o } = attention(
    heads(query, numHeads, headDim, true),
    heads(key, numKvHeads, headDim, true),
    heads(value, numKvHeads, valueDim, false),
    { isCausal, layout: 'blhd' },
  )
  return project(output, (await device.read(o)) as Float32Array, tokens)
}

/** x Wᵀ + b for x [tokens, inputs]. */
export function project({ weight, bias }: ProjectionWeights, x: ArrayLike<number>, tokens: number): Float64Array {
  const inputs = x.length / tokens
  const outputs = weight.length / inputs
  return Float64Array.from({ length: tokens * outputs }, (_, index) => {
    const [token, row] = [Math.floor(index / outputs), index % outputs]
    let sum = bias?.[row] ?? 0
    for (let i = 0; i < inputs; i++) sum += (x[token * inputs + i] as number) * (weight[row * inputs + i] as number)
    return sum
  })
}

function rotate(
  rows: Float64Array,
  heads: number,
  size: number,
  seq: number,
  { style, rotaryDim }: NonNullable<LayerOptions['rope']>,
): void {
  for (let at = 0; at < rows.length; at += size) {
    const position = Math.floor(at / (heads * size)) % seq
    for (let pair = 0; pair < rotaryDim / 2; pair++) {
      const [x, y] = style === 'neox' ? [at + pair, at + pair + rotaryDim / 2] : [at + 2 * pair, at + 2 * pair + 1]
      const angle = position * 10000 ** ((-2 * pair) / rotaryDim)
      const [a, b] = [rows[x] as number, rows[y] as number]
      rows[x] = a * Math.cos(angle) - b * Math.sin(angle)
      rows[y] = b * Math.cos(angle) + a * Math.sin(angle)
    }
  }
}
