export { createGroupScale, type GroupScale, type ScaleRule } from './group-scale.ts'
export { scaleRounder } from './round-scale.ts'
