export { type Conformance, conform, type ConformOptions } from './conform.ts'
export { conformanceCase, type DeviceCase, goldenCase } from './device-case.ts'
export { type OpProblem, type ProblemInput, uploadInputs } from './problem.ts'
export { type WasmSetup, wasmSetups } from './wasm-setup.ts'
