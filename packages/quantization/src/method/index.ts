export * from './gptq/index.ts'
export * from './matrix/index.ts'
export * from './rtn/index.ts'
export type { ScaleRule } from './scale/index.ts'
