export { defineWasmKernel, type WasmKernelDefinition } from './define.ts'
export { denseWeightSuffix } from './dense-weight.ts'
