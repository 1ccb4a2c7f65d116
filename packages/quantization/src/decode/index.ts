export {
  decodeBlocksOp,
  type DecodeBlocksInputs,
  type DecodeBlocksOptions,
  type DecodeBlocksOutputs,
} from './contract.ts'
