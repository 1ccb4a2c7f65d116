export { denseWeightSuffix } from './dense-weight.ts'
