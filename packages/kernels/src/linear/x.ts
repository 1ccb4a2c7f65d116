import xScalar from './x-scalar.wgsl'
import xVector from './x-vector.wgsl'

/** WGSL that declares `x4(token, k)` over a binding `x` whose rows have `columns` values. */
export function xFragment(columns: number): string {
  return columns % 4 === 0 ? xVector : xScalar
}

/** WGSL type of that binding. */
export function xType(columns: number): string {
  return columns % 4 === 0 ? 'array<vec4<f32>>' : 'array<f32>'
}
