export * from './simd'
export * from './share'
export * from './exp'
export * from './constants'
