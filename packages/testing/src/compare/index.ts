export { compare, type Comparison, type ElementError } from './compare.ts'
export { type Comparable, referenceMatchers, valuesOf } from './matcher.ts'
