import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { activationWebgpu } from './activation/webgpu.ts'
import { addWebgpu } from './add/webgpu.ts'
import { addRmsNormWebgpu } from './add-rms-norm/webgpu.ts'
import { argmaxWebgpu } from './argmax/webgpu.ts'
import { crossEntropyWebgpu } from './cross-entropy/webgpu.ts'
import { embeddingKernel } from './embedding/webgpu.ts'
import { gatedActivationWebgpu } from './gated-activation/webgpu.ts'
import { gatedLinearKernel } from './gated-linear/webgpu.ts'
import { hadamardWebgpu } from './hadamard/webgpu.ts'
import { layerNormWebgpu } from './layer-norm/webgpu.ts'
import { linearKernels } from './linear/webgpu.ts'
import { matmulWebgpu } from './matmul/webgpu.ts'
import { multiplyWebgpu } from './multiply/webgpu.ts'
import { qkvLinearKernel } from './qkv-linear/webgpu.ts'
import { rmsNormWebgpu } from './rms-norm/webgpu.ts'
import { ropeWebgpu } from './rope/webgpu.ts'
import { scaleWebgpu } from './scale/webgpu.ts'
import { logSoftmaxWebgpu, softmaxWebgpu } from './softmax/webgpu.ts'
import { topKWebgpu } from './top-k/webgpu.ts'
import { denseReaders } from './weight-reader/index.ts'

export { embeddingKernel } from './embedding/webgpu.ts'
export { gatedLinearKernel } from './gated-linear/webgpu.ts'
export { linearKernels } from './linear/webgpu.ts'
export { qkvLinearKernel } from './qkv-linear/webgpu.ts'
export { bind, defineWebGpuKernel, f32, u32, type WebGpuKernelDefinition } from './webgpu-kernel/index.ts'
export type { WeightReader } from './weight-reader/index.ts'

/** All kernels of this package for the WebGPU device. No op needs an optional feature. */
export const kernelsWebgpu: readonly WebGpuKernel[] = [
  ...denseReaders.flatMap(linearKernels),
  ...denseReaders.map(embeddingKernel),
  activationWebgpu,
  addWebgpu,
  addRmsNormWebgpu,
  argmaxWebgpu,
  crossEntropyWebgpu,
  gatedActivationWebgpu,
  gatedLinearKernel('dense', denseReaders),
  hadamardWebgpu,
  layerNormWebgpu,
  logSoftmaxWebgpu,
  matmulWebgpu,
  multiplyWebgpu,
  qkvLinearKernel('dense', denseReaders),
  rmsNormWebgpu,
  ropeWebgpu,
  scaleWebgpu,
  softmaxWebgpu,
  topKWebgpu,
]
