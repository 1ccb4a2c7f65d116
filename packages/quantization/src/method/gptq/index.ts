export { createDeviceGptq, type Gptq, gptqPlain } from './device.ts'
export { feedbackCosts } from './feedback-costs.ts'
export { gptq, type GptqOptions, type GptqResult } from './gptq.ts'
export { gptqBlocks, type GptqBlocksOptions, type GptqBlocksResult } from './gptq-blocks.ts'
export type { GridStore } from './grid-target.ts'
export type { GptqKernel, GptqPlan } from './kernel.ts'
export type { ColumnOrder } from './order.ts'
export type { SweepOptions } from './prepare.ts'
export {
  type SweepRowsInputs,
  sweepRowsOp,
  type SweepRowsOptions,
  type SweepRowsOutputs,
} from './sweep-rows.ts'
