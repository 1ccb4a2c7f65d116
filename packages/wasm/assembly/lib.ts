export * from './simd'
export * from './share'
export * from './math'
export * from './constants'
