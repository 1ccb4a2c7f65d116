export { type RoundGroupsInputs, roundGroupsOp, type RoundGroupsOptions, type RoundGroupsOutputs } from './contract.ts'
export { createDeviceRounder, type Round, roundPlain } from './rounder.ts'
