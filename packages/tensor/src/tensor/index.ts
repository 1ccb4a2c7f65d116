export {
  checkAlive,
  createPackedTensor,
  createTensor,
  type PackedTensor,
  reshape,
  type Storage,
  type Tensor,
  type Weight,
} from './tensor.ts'
