export {
  createWasmDevice,
  type WasmControls,
  type WasmDevice,
  type WasmDeviceOptions,
} from './device/create-wasm-device.ts'
export { defineWasmKernel, type WasmKernelDefinition } from './kernel/define.ts'
export type { ArgumentWriter, Bindings, WasmKernel, WasmModule, WasmStage } from './kernel/kernel.ts'
export { type DotAdd, dotAddOf, hasRelaxedSimd } from './module/probe.ts'
export { instantiateStandalone, type StandaloneModule } from './module/standalone.ts'
export { workerScript } from './pool/worker-script.ts'
export type { StageTime } from './timing/stopwatch.ts'
