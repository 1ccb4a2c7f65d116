export {
  type LimitName,
  hasFeature,
  isSoftware,
  type WebGpuCapabilities,
  webgpuCapabilities,
} from './capability/capabilities.ts'
export type { WebGpuCounters } from './device/counters.ts'
export {
  createWebGpuDevice,
  type WebGpuControls,
  type WebGpuDevice,
  type WebGpuDeviceOptions,
} from './device/create-webgpu-device.ts'
export { linearGrid, maxWorkgroupsPerDimension } from './kernel/grid.ts'
export type { Binding, WebGpuKernel, WebGpuPass } from './kernel/kernel.ts'
export { type Lanes, lanesOf } from './kernel/lanes.ts'
export { composePass, type ComposedPass, encodeParams } from './kernel/prelude.ts'
export type { SubgroupMatrixConfig } from './matrix/config.ts'
export { exactMatricesOf, type Matrices, matricesOf } from './matrix/matrices.ts'
export type { DispatchTime } from './timing/timer.ts'
