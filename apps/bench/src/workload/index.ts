export {
  attentionData,
  attentionProbes,
  type AttentionTensor,
  axesOf,
  probesOf,
  problemOfAttention,
} from './attention-data.ts'
export { attentionWorkloads, cacheBytesOf, operationsOf, rowsOf } from './attention-workloads.ts'
export {
  answerElements,
  blockSize,
  hash,
  inputF32,
  int8Scale,
  problemOfAnswer,
  weightF32,
  weightI8,
  weightScale,
  weightU4,
  zeroPoint,
} from './matmul-data.ts'
export { embedWorkloads, problemOfSimilarities, similaritiesOf, textsOf } from './embed-workloads.ts'
export { type ModelFacts, readModelFacts } from './model-facts.ts'
export { encodeWorkloads } from './encode-workloads.ts'
export { formatWorkloads } from './format-workloads.ts'
export { cacheBits, type CacheWorkload, cacheWorkloads } from './cache-workloads.ts'
export { modelWorkloads } from './model-workloads.ts'
export { profileWorkloads } from './profile-workloads.ts'
export { opWorkloads } from './op-workloads.ts'
export { quantizeWorkloads } from './quantize-workloads.ts'
export { operatorWorkloads, roofWorkloads } from './operator-workloads.ts'
export type {
  AttentionWorkload,
  CacheName,
  Cost,
  DecodeWorkload,
  EmbedWorkload,
  EncodeWorkload,
  FormatWorkload,
  LoadWorkload,
  MatmulWorkload,
  Metric,
  ModelWorkload,
  OpWorkload,
  PrefillWorkload,
  ProfileWorkload,
  QuantizeWorkload,
  RoofName,
  RoofWorkload,
  Workload,
} from './workload.ts'
