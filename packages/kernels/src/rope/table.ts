import { TesseraError } from '@tessera-llm/tensor'

/** Scaling of the training frequencies to a longer context, in the terms of Hugging Face configs. */
export type RopeScaling =
  | { readonly type: 'none' }
  | { readonly type: 'linear'; readonly factor: number }
  | {
      readonly type: 'llama3'
      readonly factor: number
      readonly lowFreqFactor: number
      readonly highFreqFactor: number
      readonly originalMaxPositions: number
    }
  | {
      readonly type: 'longrope'
      /** Divisors of the frequencies, `rotaryDim / 2` of each kind. */
      readonly shortFactors: readonly number[]
      readonly longFactors: readonly number[]
      /** Tables with more positions use the long factors. */
      readonly originalMaxPositions: number
      /** Factor on cos and sin. */
      readonly attentionFactor: number
    }
  | {
      readonly type: 'yarn'
      readonly factor: number
      readonly originalMaxPositions: number
      readonly betaFast?: number | undefined
      readonly betaSlow?: number | undefined
      /** Factor on cos and sin; without it, derived from `factor` and the mscales. */
      readonly attentionFactor?: number | undefined
      readonly mscale?: number | undefined
      readonly mscaleAllDim?: number | undefined
      /** Rounds the ramp's ends to whole channels. Default true. */
      readonly truncate?: boolean | undefined
    }

/** Options of `ropeTable`. */
export interface RopeTableOptions {
  readonly theta: number
  /** Channels that are rotated; even. */
  readonly rotaryDim: number
  readonly maxPositions: number
  readonly scaling?: RopeScaling | undefined
  /** Divisors of the frequencies (GGUF's `rope_freqs.weight`, LongRoPE's factors): `rotaryDim / 2` values. */
  readonly frequencyFactors?: ArrayLike<number> | undefined
}

/** Cosines and sines, each `[maxPositions, rotaryDim / 2]`. */
export interface RopeTable {
  readonly cos: Float32Array
  readonly sin: Float32Array
}

/**
 * Makes the tables of `rope`. Computes in float64 and rounds once: an f32 product position · frequency is off by
 * position · 6e-8 radians.
 *
 * @throws TesseraError `invalid-option`
 */
export function ropeTable(options: RopeTableOptions): RopeTable {
  const { maxPositions, rotaryDim } = options
  const { frequencies, attentionFactor } = ropeFrequencies(options)
  const half = rotaryDim / 2
  const cos = new Float32Array(maxPositions * half)
  const sin = new Float32Array(maxPositions * half)
  for (let position = 0; position < maxPositions; position++) {
    for (let i = 0; i < half; i++) {
      const angle = position * (frequencies[i] as number)
      cos[position * half + i] = Math.cos(angle) * attentionFactor
      sin[position * half + i] = Math.sin(angle) * attentionFactor
    }
  }
  return { cos, sin }
}

/** Frequencies of a RoPE table. */
export interface RopeFrequencies {
  /** Frequency of each channel pair, in radians per position. */
  readonly frequencies: Float64Array
  /** Factor on cos and sin. */
  readonly attentionFactor: number
}

/** Computes the frequencies of a RoPE table. Throws `invalid-option` if the scaling divides by zero. */
export function ropeFrequencies(options: RopeTableOptions): RopeFrequencies {
  const scaled = scaledFrequencies(options)
  if (!Number.isFinite(scaled.attentionFactor) || !scaled.frequencies.every(Number.isFinite)) {
    throw new TesseraError(
      'invalid-option',
      `ropeTable: the frequencies are not finite (scaling ${options.scaling?.type ?? 'none'}); factors and positions must be positive`,
    )
  }
  return scaled
}

function scaledFrequencies({
  theta,
  rotaryDim,
  maxPositions,
  scaling = { type: 'none' },
  frequencyFactors,
}: RopeTableOptions): RopeFrequencies {
  if (!Number.isInteger(rotaryDim) || rotaryDim < 2 || rotaryDim % 2 !== 0)
    throw new TesseraError('invalid-option', `ropeTable: rotaryDim must be even and positive, not ${rotaryDim}`)
  if (!(theta > 0)) throw new TesseraError('invalid-option', `ropeTable: theta must be positive, not ${theta}`)
  const half = rotaryDim / 2
  if (frequencyFactors && frequencyFactors.length !== half)
    throw new TesseraError(
      'invalid-shape',
      `ropeTable: frequencyFactors must have ${half} values, not ${frequencyFactors.length}`,
    )
  const base = Float64Array.from(
    { length: half },
    (_, i) => theta ** ((-2 * i) / rotaryDim) / (frequencyFactors?.[i] ?? 1),
  )
  switch (scaling.type) {
    case 'none':
      return { frequencies: base, attentionFactor: 1 }
    case 'linear':
      return { frequencies: base.map((f) => f / scaling.factor), attentionFactor: 1 }
    case 'llama3':
      return { frequencies: base.map((f) => scaleLlama3(f, scaling)), attentionFactor: 1 }
    case 'longrope': {
      // LongRoPE (Ding et al. 2024, arXiv 2402.13753).
      const factors = maxPositions > scaling.originalMaxPositions ? scaling.longFactors : scaling.shortFactors
      if (factors.length !== half)
        throw new TesseraError(
          'invalid-shape',
          `ropeTable: the factors of longrope must be ${half} values, not ${factors.length}`,
        )
      return { frequencies: base.map((f, i) => f / (factors[i] as number)), attentionFactor: scaling.attentionFactor }
    }
    case 'yarn':
      return { frequencies: scaleYarn(base, theta, rotaryDim, scaling), attentionFactor: yarnAttentionFactor(scaling) }
  }
}

/** Llama 3.1: stretches long wavelengths by `factor`, keeps short ones, blends linearly between. */
function scaleLlama3(
  frequency: number,
  { factor, lowFreqFactor, highFreqFactor, originalMaxPositions }: Extract<RopeScaling, { type: 'llama3' }>,
): number {
  const wavelength = (2 * Math.PI) / frequency
  if (wavelength < originalMaxPositions / highFreqFactor) return frequency
  if (wavelength > originalMaxPositions / lowFreqFactor) return frequency / factor
  const smooth = (originalMaxPositions / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor)
  return ((1 - smooth) * frequency) / factor + smooth * frequency
}

/** YaRN (Peng et al. 2023, arXiv 2309.00071), section 3.2. */
function scaleYarn(
  base: Float64Array,
  theta: number,
  rotaryDim: number,
  scaling: Extract<RopeScaling, { type: 'yarn' }>,
): Float64Array {
  const { factor, originalMaxPositions, betaFast = 32, betaSlow = 1, truncate = true } = scaling
  const channel = (rotations: number): number =>
    (rotaryDim * Math.log(originalMaxPositions / (2 * Math.PI * rotations))) / (2 * Math.log(theta))
  const low = Math.max(truncate ? Math.floor(channel(betaFast)) : channel(betaFast), 0)
  let high = Math.min(truncate ? Math.ceil(channel(betaSlow)) : channel(betaSlow), rotaryDim - 1)
  if (high === low) high += 0.001
  return base.map((frequency, i) => {
    const ramp = Math.min(1, Math.max(0, (i - low) / (high - low)))
    return (frequency / factor) * ramp + frequency * (1 - ramp)
  })
}

function yarnAttentionFactor({
  factor,
  attentionFactor,
  mscale,
  mscaleAllDim,
}: Extract<RopeScaling, { type: 'yarn' }>): number {
  if (attentionFactor !== undefined) return attentionFactor
  const scale = (weight: number): number => (factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1)
  return mscale !== undefined && mscaleAllDim !== undefined ? scale(mscale) / scale(mscaleAllDim) : scale(1)
}
