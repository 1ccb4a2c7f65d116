export {
  hadamard,
  hadamardBlock,
  type HadamardInputs,
  hadamardOp,
  type HadamardOptions,
  type HadamardOutputs,
  isPowerOfTwo,
  largestHadamard,
  sylvester,
} from './contract.ts'
