export { canonicalName, isBlockLinear, type WeightClass, weightClass } from './canonical-names.ts'
