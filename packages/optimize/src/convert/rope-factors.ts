import type { RopeScaling } from '@tessera-llm/runtime'

type Llama3 = Extract<RopeScaling, { type: 'llama3' }>

/** Divisors of the rotary frequencies for the scaling of Llama 3.1, as in `rope_freqs.weight` of GGUF files. */
export function llama3Factors(
  { factor, lowFreqFactor, highFreqFactor, originalMaxPositions }: Llama3,
  theta: number,
  rotaryDim: number,
): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: rotaryDim / 2 }, (_, i) => {
    const wavelength = 2 * Math.PI * theta ** ((2 * i) / rotaryDim)
    if (wavelength < originalMaxPositions / highFreqFactor) return 1
    if (wavelength > originalMaxPositions / lowFreqFactor) return factor
    const smooth = (originalMaxPositions / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
    return 1 / ((1 - smooth) / factor + smooth)
  })
}

/** The scaling of a published model that results in these factors; undefined if there is none. */
export function llama3Scaling(factors: Float32Array, theta: number): Llama3 | undefined {
  const factor = factors.reduce((most, value) => Math.max(most, value), 1)
  for (const originalMaxPositions of [8192, 4096, 2048, 16384, 32768, 1024, 512, 256, 128, 64, 32]) {
    for (const [lowFreqFactor, highFreqFactor] of [
      [1, 4],
      [1, 2],
      [1, 8],
      [1, 32],
    ] as const) {
      const scaling: Llama3 = { type: 'llama3', factor, lowFreqFactor, highFreqFactor, originalMaxPositions }
      const made = llama3Factors(scaling, theta, 2 * factors.length)
      if (factors.every((value, i) => Math.abs(value - (made[i] as number)) <= 1e-6 * value)) return scaling
    }
  }
  return undefined
}
