import {
  conformanceCase,
  type DeviceCase,
  type GoldenCase,
  goldenCase,
  goldenInput,
  goldenOutput,
  type HostValue,
  normal,
  values,
} from '@tessera-llm/testing'
import { ropeOp, type RopeScaling, ropeTable, type RopeTableOptions } from '../../src/index.ts'
import { golden } from './golden.ts'

export const ropeStored: readonly GoldenCase[] = await golden('rope')
export const ropeGolden: readonly DeviceCase[] = ropeStored.map(fromGolden)

export const ropeConformance: readonly DeviceCase[] = (['neox', 'gptj'] as const).flatMap((style) =>
  (
    [
      [1, 1, 1, 2, 2],
      [2, 3, 4, 64, 64],
      [1, 5, 3, 80, 80],
      [2, 4, 2, 64, 16],
      [1, 33, 9, 128, 128],
      [1, 2, 1, 6, 4],
    ] as const
  ).map(([batch, tokens, heads, channels, rotaryDim]) => {
    const { cos, sin } = ropeTable({ theta: 10_000, rotaryDim, maxPositions: 40 })
    const positions = Array.from({ length: batch * tokens }, (_, index) => (index * 7) % 40)
    return conformanceCase(ropeOp, {
      name: `${style} [${batch}, ${tokens}, ${heads}, ${channels}] rotating ${rotaryDim}`,
      inputs: {
        x: normal([batch, tokens, heads, channels]),
        cos: values([40, rotaryDim / 2], cos),
        sin: values([40, rotaryDim / 2], sin),
        positions: values([batch, tokens], positions, 'i32'),
      },
      options: { style },
    })
  }),
)

/** Converts the golden's parameters to `RopeTableOptions`. */
export function ropeOptionsOf({ name, params }: GoldenCase): Omit<RopeTableOptions, 'maxPositions'> {
  const number = (key: string): number => {
    const value = params[key]
    if (typeof value !== 'number') throw new Error(`rope golden ${name}: ${key} must be a number`)
    return value
  }
  const optional = (key: string): number | undefined => (params[key] === undefined ? undefined : number(key))
  const scaling = (): RopeScaling => {
    switch (params['rope_type'] ?? 'none') {
      case 'none':
        return { type: 'none' }
      case 'linear':
        return { type: 'linear', factor: number('factor') }
      case 'llama3':
        return {
          type: 'llama3',
          factor: number('factor'),
          lowFreqFactor: number('low_freq_factor'),
          highFreqFactor: number('high_freq_factor'),
          originalMaxPositions: number('original_max_position_embeddings'),
        }
      case 'yarn':
        return {
          type: 'yarn',
          factor: number('factor'),
          originalMaxPositions: number('original_max_position_embeddings'),
          betaFast: optional('beta_fast'),
          betaSlow: optional('beta_slow'),
          attentionFactor: optional('attention_factor'),
          mscale: optional('mscale'),
          mscaleAllDim: optional('mscale_all_dim'),
          truncate: params['truncate'] as boolean | undefined,
        }
      default:
        throw new Error(`rope golden ${name}: no scaling is known as ${String(params['rope_type'])}`)
    }
  }
  return {
    theta: number('rope_theta'),
    rotaryDim: number('head_dim') * (optional('partial_rotary_factor') ?? 1),
    scaling: scaling(),
  }
}

function fromGolden(stored: GoldenCase): DeviceCase {
  const options = ropeOptionsOf(stored)
  const positions = goldenInput(stored, 'positions')
  const maxPositions = Math.max(...(positions.data as Int32Array)) + 1
  const { cos, sin } = ropeTable({ ...options, maxPositions })
  const table = [maxPositions, options.rotaryDim / 2]
  const y = goldenOutput(stored, 'y')
  return goldenCase(
    ropeOp,
    {
      name: stored.name,
      inputs: { x: tokensFirst(goldenInput(stored, 'x')), cos: values(table, cos), sin: values(table, sin), positions },
      options: { style: stored.params['style'] as 'neox' | 'gptj' },
    },
    { y: { ...y, ...tokensFirst(y) } },
  )
}

/** Transposes [B, H, T, D] to [B, T, H, D]. */
function tokensFirst({ shape, data, dtype }: HostValue): HostValue {
  const [batch = 0, heads = 0, tokens = 0, channels = 0] = shape
  const out = new Float32Array(data.length)
  for (let b = 0; b < batch; b++) {
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < tokens; t++) {
        const from = ((b * heads + h) * tokens + t) * channels
        out.set((data as Float32Array).subarray(from, from + channels), ((b * tokens + t) * heads + h) * channels)
      }
    }
  }
  return { dtype, shape: [batch, tokens, heads, channels], data: out }
}
