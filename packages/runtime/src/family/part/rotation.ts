import { ropeTable } from '@tessera-llm/kernels'
import { type Device, type Tensor, TesseraError } from '@tessera-llm/tensor'
import type { RopeConfig } from '../../config/index.ts'
import type { WeightSource } from '../model.ts'

/** Cosines and sines for every position of the context: f32 `[contextLength, rotaryDim / 2]` each. */
export interface Rotation {
  readonly cos: Tensor
  readonly sin: Tensor
  readonly style: RopeConfig['style']
}

/** 1 GiB: two million positions of a head of 128. */
const mostTableBytes = 2 ** 30

/** Makes the rotations of a model's layers; layers with equal settings share one. */
export function createRotations(weights: WeightSource, contextLength: number, frequencyFactors?: Float32Array): (rope: RopeConfig | undefined) => Rotation | undefined {
  const made = new Map<string, Rotation>()
  return (rope) => {
    if (rope === undefined) return undefined
    const key = JSON.stringify(rope)
    const known = made.get(key)
    if (known) return known
    const { theta, rotaryDim, style, scaling } = rope
    if (4 * contextLength * rotaryDim > mostTableBytes) {
      throw new TesseraError('out-of-memory', `load: rotary tables for ${contextLength} positions would take ${Math.ceil((4 * contextLength * rotaryDim) / 2 ** 20)} MiB; pass a smaller contextLength`)
    }
    const { cos, sin } = ropeTable({ theta, rotaryDim, maxPositions: contextLength, scaling, frequencyFactors })
    const shape = [contextLength, rotaryDim / 2]
    const rotation = { cos: weights.constant(cos, shape), sin: weights.constant(sin, shape), style }
    made.set(key, rotation)
    return rotation
  }
}

/** The values of a vector that a checkpoint stores (`rope_freqs.weight`), or undefined where it has none. */
export async function storedFactors(device: Device, weights: WeightSource, name: string, size: number): Promise<Float32Array | undefined> {
  return weights.has(name) ? ((await device.read(await weights.vector(name, size))) as Float32Array) : undefined
}
