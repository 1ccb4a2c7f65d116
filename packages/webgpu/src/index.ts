export type { Binding, WebGpuKernel, WebGpuPass } from './kernel/kernel.ts'
