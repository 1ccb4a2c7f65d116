export {
  type Candidate,
  type Capabilities,
  checkKernels,
  type Explanation,
  type Kernel,
  kernelAbi,
  selectKernel,
  type Selection,
} from './kernel.ts'
