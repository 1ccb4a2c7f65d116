export { bind, defineWebGpuKernel, f32, u32, type WebGpuKernelDefinition } from './define.ts'
export { type Elementwise, elementwisePass } from './elementwise.ts'
export { rowPass } from './row-pass.ts'
export { repeatedPass } from './repeated.ts'
