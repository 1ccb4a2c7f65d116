import { type OnnxRuntime, openOnnxMatmul } from '../onnx/index.ts'
import { serveMatmul } from '../participant/matmul/index.ts'
import { peerVersion, requirePeer } from './peer.ts'

await serveMatmul({
  describe: ({ threads, kind }) => ({ version: peerVersion('onnxruntime-node'), settings: { threads, ...(kind === 'gemv-4bit' ? { accuracyLevel: 4 } : {}) } }),
  open: (workload) => openOnnxMatmul(requirePeer<OnnxRuntime>('onnxruntime-node'), workload, { executionProviders: ['cpu'], intraOpNumThreads: workload.threads, interOpNumThreads: 1, executionMode: 'sequential' }),
})
