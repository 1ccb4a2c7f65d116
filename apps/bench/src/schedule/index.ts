export {
  type Entrant,
  interleaveAll,
  type InterleaveOptions,
  type LoadMonitor,
  type Outcome,
  type Round,
} from './interleave.ts'
