export { rope, type RopeInputs, ropeOp, type RopeOptions, type RopeOutputs } from './contract.ts'
export {
  type RopeFrequencies,
  ropeFrequencies,
  type RopeScaling,
  type RopeTable,
  ropeTable,
  type RopeTableOptions,
} from './table.ts'
