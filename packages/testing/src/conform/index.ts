export { type Conformance, conform, type ConformOptions } from './conform.ts'
export { type OpProblem, type ProblemInput, uploadInputs } from './problem.ts'
