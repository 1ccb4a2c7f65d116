export { type KernelProfile, kernelsOfStep, type Profile } from './kernel-profile.ts'
export { type KernelLimit, limitsOf, type Peaks } from './limit.ts'
export { type RecordedStage, recordStages, type StageRecorder } from './record-stages.ts'
export { workOf, type Work } from './work.ts'
