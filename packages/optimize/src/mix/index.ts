export { fittingFormat, ggmlFallbacks } from './ggml-fallback.ts'
export { type MixedFormat, mixFormats } from './mix-formats.ts'
export { mixRules } from './mix-rules.ts'
export { type MixedStep, mixNotes, mixSteps } from './mix-steps.ts'
