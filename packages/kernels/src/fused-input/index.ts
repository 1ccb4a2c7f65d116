export {
  checkFused,
  checkFusedWeight,
  type FusedInputs,
  type FusedOptions,
  fusedTolerance,
  linearReference,
  normedInput,
} from './fused-input.ts'
