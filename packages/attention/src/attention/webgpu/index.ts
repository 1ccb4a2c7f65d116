export { decodeWebgpu } from './decode/kernel.ts'
export { flashWebgpu } from './flash/kernel.ts'
export { flashMatrixWebgpu } from './flash-matrix/kernel.ts'
export { plainWebgpu } from './plain/kernel.ts'
