export { compareLogits, type LogitComparison } from './compare-logits.ts'
export {
  type Divergence,
  type DivergenceOptions,
  type DivergenceProgress,
  measureDivergence,
} from './measure-divergence.ts'
