export { hadamardMatrix } from './hadamard.ts'
export { hadamardRotation, orthogonalRotation, type Rotation } from './orthogonal.ts'
export {
  type PlannedTransform,
  planRotation,
  type RotationChoice,
  type RotationLayer,
  type RotationModel,
} from './plan.ts'
export { transformBias, transformWeight, type WeightTransform } from './transform.ts'
