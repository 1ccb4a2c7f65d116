export { type Candidates, draw } from './candidates.ts'
export { createSampler, type Sampler, type SamplerOptions, samplerSteps } from './sampler.ts'
export { acceptance, acceptDraft, residual, type SpeculativeInput } from './speculative.ts'
export type { SamplerStep } from './steps.ts'
