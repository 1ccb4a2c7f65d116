export { gptq, type GptqOptions, type GptqResult } from './gptq.ts'
export type { ColumnOrder } from './order.ts'
