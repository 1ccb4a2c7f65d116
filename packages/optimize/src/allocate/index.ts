export {
  allocateBudget,
  type AllocatedWeight,
  type AllocateOptions,
  type BudgetAllocation,
  hasBudget,
} from './allocate-budget.ts'
export { type FileSize, folderSize, type FolderSizeOptions, ggufFileSize, jsonBytes } from './file-size.ts'
export { measureLosses, type MeasureLossesOptions, type WeightLosses } from './measure-losses.ts'
