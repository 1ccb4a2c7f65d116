import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { readSafetensors } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import type { Fields } from '@tessera-llm/runtime'
import { type OnnxRuntime, openOnnxAttention, openOnnxEncoder, openOnnxMatmul } from '../onnx/index.ts'
import { createAttentionParticipant, isAttention } from '../participant/attention/index.ts'
import { createEmbedParticipant, isEmbed } from '../participant/embed/index.ts'
import { type Participant, serve } from '../participant/index.ts'
import { createMatmulParticipant } from '../participant/matmul/index.ts'
import type { Workload } from '../workload/index.ts'
import { peerVersion, requirePeer } from './peer.ts'

const describe = ({ threads, kind }: Workload) => ({
  version: peerVersion('onnxruntime-node'),
  settings: {
    threads,
    ...(kind === 'gemv-4bit' ? { accuracyLevel: 4 } : kind === 'attention' ? { operator: 'GroupQueryAttention' } : {}),
  },
})
const options = ({ threads }: Workload) => ({
  executionProviders: ['cpu'],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  executionMode: 'sequential',
})
const runtime = () => requirePeer<OnnxRuntime>('onnxruntime-node')

const matmul = createMatmulParticipant({
  describe,
  open: (workload) => openOnnxMatmul(runtime(), workload, options(workload)),
})
const attention = createAttentionParticipant({
  describe,
  open: (workload) => openOnnxAttention(runtime(), workload, options(workload)),
})
const embed = createEmbedParticipant({
  describe: (workload, engine) => ({
    version: peerVersion('onnxruntime-node'),
    settings: { threads: workload.threads, ...('batchSize' in engine ? { batch: Number(engine.batchSize) } : {}) },
  }),
  async open(workload, { ids }) {
    const source = await fileSource(join(workload.folder, 'model.safetensors'))
    try {
      const config = JSON.parse(readFileSync(join(workload.folder, 'config.json'), 'utf8')) as Fields
      return await openOnnxEncoder(
        runtime(),
        {
          checkpoint: await readSafetensors(source),
          config,
          precision: workload.precision === 'f32' ? 'f32' : 'int8',
          ids,
        },
        options(workload),
      )
    } finally {
      await source.close()
    }
  },
})

let chosen: Participant = matmul
await serve({
  prepare(workload) {
    chosen = isAttention(workload) ? attention : isEmbed(workload) ? embed : matmul
    return chosen.prepare(workload)
  },
  measure: () => chosen.measure(),
  close: () => chosen.close(),
})
