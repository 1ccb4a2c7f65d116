export {
  createGroupScale,
  type GroupScale,
  type ScaleCandidate,
  type ScaleRule,
  searchStep,
  searchSteps,
} from './group-scale.ts'
export { scaleRounder } from './round-scale.ts'
