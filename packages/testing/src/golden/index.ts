export { type GoldenCase, goldenInput, type GoldenOutput, goldenOutput, readGolden } from './golden.ts'
export { parseSafetensors } from './safetensors.ts'
