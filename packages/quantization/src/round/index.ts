export { type RoundGroupsInputs, roundGroupsOp, type RoundGroupsOptions, type RoundGroupsOutputs } from './contract.ts'
export {
  type BlockMatrix,
  createDeviceBlockRounder,
  createDeviceRounder,
  type Round,
  type RoundBlocks,
  roundPlain,
} from './rounder.ts'
