import type { WebGpuPass } from '@tessera-llm/webgpu'
import { f32 } from '../webgpu-kernel/index.ts'
import type { Rounding } from './activations.ts'
import code from './rounding.wgsl'
import found from './rounding-found.wgsl'
import given from './rounding-given.wgsl'

/** Declares `block_scale`, `block_inverse` and `code_of` for rounding passes, with the parameters that they read. */
export function roundingSource({ levels, least, clip, scale }: Rounding): {
  readonly fragment: string
  readonly params: NonNullable<WebGpuPass['params']>
} {
  const constants = `const LEVELS: f32 = ${levels};\nconst LEAST: f32 = ${least};\nconst CLIP: f32 = ${clip};\nconst IS_GIVEN = ${scale === undefined ? 0 : 1}u;`
  return {
    fragment: `${constants}\n${scale === undefined ? found : given}\n${code}`,
    params: scale === undefined ? {} : { input_scale: f32(scale), input_inverse: f32(1 / Math.fround(scale)) },
  }
}
