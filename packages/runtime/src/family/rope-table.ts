import { ropeTable } from '@tessera-llm/kernels'
import type { Device, Tensor } from '@tessera-llm/tensor'
import type { ModelConfig } from '../config/index.ts'

/** Cosines and sines for every position of the context, on the device: f32 `[contextLength, rotaryDim / 2]` each. */
export async function uploadRopeTable(device: Device, config: ModelConfig, frequencyFactors?: Tensor): Promise<{ readonly cos: Tensor; readonly sin: Tensor }> {
  const { theta, rotaryDim, scaling } = config.rope
  const factors = frequencyFactors && ((await device.read(frequencyFactors)) as Float32Array)
  const { cos, sin } = ropeTable({ theta, rotaryDim, maxPositions: config.contextLength, scaling, frequencyFactors: factors })
  const shape = [config.contextLength, rotaryDim / 2]
  return { cos: device.tensor(cos, shape), sin: device.tensor(sin, shape) }
}
