export {
  type Entrant,
  interleave,
  type InterleaveOptions,
  type LoadMonitor,
  type Outcome,
  type Round,
} from './interleave.ts'
