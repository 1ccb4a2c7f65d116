import { type OnnxRuntime, openOnnxAttention, openOnnxMatmul } from '../onnx/index.ts'
import { createAttentionParticipant, isAttention } from '../participant/attention/index.ts'
import { type Participant, serve } from '../participant/index.ts'
import { createMatmulParticipant } from '../participant/matmul/index.ts'
import type { Workload } from '../workload/index.ts'
import { peerVersion, requirePeer } from './peer.ts'

const describe = ({ threads, kind }: Workload) => ({ version: peerVersion('onnxruntime-node'), settings: { threads, ...(kind === 'gemv-4bit' ? { accuracyLevel: 4 } : kind === 'attention' ? { operator: 'GroupQueryAttention' } : {}) } })
const options = ({ threads }: Workload) => ({ executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1, executionMode: 'sequential' })
const runtime = () => requirePeer<OnnxRuntime>('onnxruntime-node')

const matmul = createMatmulParticipant({ describe, open: (workload) => openOnnxMatmul(runtime(), workload, options(workload)) })
const attention = createAttentionParticipant({ describe, open: (workload) => openOnnxAttention(runtime(), workload, options(workload)) })

let chosen: Participant = matmul
await serve({
  prepare(workload) {
    chosen = isAttention(workload) ? attention : matmul
    return chosen.prepare(workload)
  },
  measure: () => chosen.measure(),
  close: () => chosen.close(),
})
