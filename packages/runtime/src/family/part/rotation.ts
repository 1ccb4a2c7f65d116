import { ropeTable } from '@tessera-llm/kernels'
import { type Device, type Tensor, TesseraError } from '@tessera-llm/tensor'
import type { RopeConfig, RopeScaling } from '../../config/index.ts'
import type { WeightSource } from '../model.ts'
import type { TensorNames } from '../names/index.ts'

/** Cosines and sines for every position of the context: f32 `[contextLength, rotaryDim / 2]` each. */
export interface Rotation {
  readonly cos: Tensor
  readonly sin: Tensor
  readonly style: RopeConfig['style']
}

/** 1 GiB: two million positions of a head of 128. */
const mostTableBytes = 2 ** 30

/** Creates the rotations of a model's layers; layers with equal settings share one. */
export function createRotations(
  weights: WeightSource,
  contextLength: number,
  stored: StoredRopeFactors = {},
): (rope: RopeConfig | undefined) => Rotation | undefined {
  const made = new Map<string, Rotation>()
  return (rope) => {
    if (rope === undefined) return undefined
    const key = JSON.stringify(rope)
    const known = made.get(key)
    if (known) return known
    const { theta, rotaryDim, style, scaling } = rope
    if (4 * contextLength * rotaryDim > mostTableBytes) {
      throw new TesseraError(
        'out-of-memory',
        `load: rotary tables for ${contextLength} positions would take ${Math.ceil((4 * contextLength * rotaryDim) / 2 ** 20)} MiB; pass a smaller contextLength`,
      )
    }
    const { cos, sin } = ropeTable({
      theta,
      rotaryDim,
      maxPositions: contextLength,
      scaling: withFactors(scaling, stored),
      frequencyFactors: stored.all,
    })
    const shape = [contextLength, rotaryDim / 2]
    const rotation = { cos: weights.constant(cos, shape), sin: weights.constant(sin, shape), style }
    made.set(key, rotation)
    return rotation
  }
}

/** Divisors of the rotary frequencies that a file stores as tensors. */
export interface StoredRopeFactors {
  readonly all?: Float32Array | undefined
  /** Factors of LongRoPE for the original context. */
  readonly short?: Float32Array | undefined
  readonly long?: Float32Array | undefined
}

export async function storedRopeFactors(
  device: Device,
  weights: WeightSource,
  { ropeFactors, longRopeFactors }: TensorNames,
  size: number,
): Promise<StoredRopeFactors> {
  const read = async (name: string | undefined): Promise<Float32Array | undefined> =>
    name !== undefined && weights.has(name)
      ? ((await device.read(await weights.vector(name, size))) as Float32Array)
      : undefined
  return {
    all: await read(ropeFactors),
    short: await read(longRopeFactors?.short),
    long: await read(longRopeFactors?.long),
  }
}

function withFactors(scaling: RopeScaling, { short, long }: StoredRopeFactors): RopeScaling {
  if (scaling.type === 'longrope' && short && long)
    return { ...scaling, shortFactors: [...short], longFactors: [...long] }
  if (short || long)
    throw new TesseraError(
      'unsupported',
      'load: the file has factors of LongRoPE (rope_factors_short.weight) and its metadata do not say for which context',
    )
  return scaling
}
