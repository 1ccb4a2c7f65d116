export type { ArgumentWriter, Bindings, WasmKernel, WasmModule, WasmStage } from './kernel/kernel.ts'
