export {
  encodeBlocksOp,
  type EncodeBlocksInputs,
  type EncodeBlocksOptions,
  type EncodeBlocksOutputs,
} from './contract.ts'
export { createDeviceEncoder, type Encode, type EncodeNow, encodePlain } from './encoder.ts'
