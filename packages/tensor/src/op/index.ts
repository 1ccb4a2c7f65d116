export {
  type Cost,
  defineOp,
  type HostInputs,
  type HostOutputs,
  type HostTensor,
  type InputSpecs,
  type JsonValue,
  type Op,
  type OpInputs,
  type OpOptions,
  type OpOutputs,
  type OutputSpecs,
  type PackedSpec,
  type Problem,
  type TensorSpec,
  type Tolerance,
  type VjpContext,
  type WeightSpec,
} from './op.ts'
export { commonDevice, dense, denseSpec, describeProblem, problemKey, specBytes, specOf } from './problem.ts'
export { toleranceOf, type ToleranceTerms } from './tolerance.ts'
