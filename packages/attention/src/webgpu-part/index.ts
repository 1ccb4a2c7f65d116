import narrowBits from './narrow-bits.wgsl'

export { f32, i32, joinParts, type Part, paramsPart, u32 } from './part.ts'
export { narrowBits }
