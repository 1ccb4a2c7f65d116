import type { Workload } from './workload/index.ts'

export interface ParticipantSpec {
  readonly name: string
  /** `src/participants/<script>.ts` */
  readonly script: string
  /** `src/pages/<page>.ts`, which runs in the browser. */
  readonly page?: string
  readonly kinds: readonly Workload['kind'][]
}

const model = ['decode', 'prefill', 'load'] as const
const matmul = ['gemm-f32', 'gemm-int8', 'gemm-4bit', 'gemv-4bit'] as const

const attention = ['attention', 'attention-gradient'] as const

/** Participants of each workload, in the order of their turns. */
export const participants: readonly ParticipantSpec[] = [
  { name: 'roofline', script: 'roofline', kinds: ['roof'] },
  {
    name: 'tessera',
    script: 'tessera',
    kinds: [
      ...model,
      ...matmul,
      ...attention,
      'attention-decode',
      'embed',
      'format',
      'encode',
      'quantize',
      'op',
      'profile',
    ],
  },
  { name: 'tessera plain', script: 'tessera-plain', kinds: [...attention, 'encode'] },
  { name: 'llama.cpp', script: 'llama-cpp', kinds: model },
  { name: 'node-llama-cpp', script: 'node-llama-cpp', kinds: model },
  { name: 'wllama', script: 'wllama', page: 'wllama', kinds: model },
  { name: 'onnxruntime-node', script: 'onnxruntime-node', kinds: [...matmul, 'attention', 'embed'] },
  {
    name: 'onnxruntime-web',
    script: 'onnxruntime-web',
    page: 'onnxruntime-web',
    kinds: [...matmul, 'attention', 'embed', 'op'],
  },
  { name: 'pytorch', script: 'pytorch', kinds: attention },
  { name: 'gptqmodel', script: 'gptqmodel', kinds: ['quantize'] },
]

/** Node 20 hides relaxed SIMD behind a flag; every child gets it, since peers may use it too. */
export const nodeArguments: readonly string[] =
  Number(process.versions.node.split('.')[0]) < 21 ? ['--experimental-wasm-relaxed-simd'] : []
