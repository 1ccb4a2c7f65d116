import { sizeOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '../src/index.ts'
import { probeKernelsModule as module } from './generated/probe-kernels.ts'
import { dotOp, misbehaveOp, reverseOp, scaleOp } from './ops.ts'

const supports = (): true => true

export const scaleKernel: WasmKernel = defineWasmKernel(scaleOp, {
  name: 'plain',
  module,
  supports,
  stages: ({ inputs: { x }, options: { factor } }) => [
    {
      entry: 'scale',
      args: (write, at) => void write.u32(at.address('x')).u32(at.address('y')).u32(sizeOf(x.shape)).f32(factor),
    },
  ],
})

/** Goes through scratch memory, so that the second stage reads what other threads wrote in the first. */
export const reverseKernel: WasmKernel = defineWasmKernel(reverseOp, {
  name: 'scratch',
  module,
  supports,
  scratchBytes: ({ inputs: { x } }) => 4 * sizeOf(x.shape),
  stages: ({ inputs: { x } }) => [
    {
      entry: 'scale',
      args: (write, at) => void write.u32(at.address('x')).u32(at.scratch).u32(sizeOf(x.shape)).f32(1),
    },
    { entry: 'reverse', args: (write, at) => void write.u32(at.scratch).u32(at.address('y')).u32(sizeOf(x.shape)) },
  ],
})

export const dotKernel: WasmKernel = defineWasmKernel(dotOp, {
  name: 'rows',
  module,
  supports,
  stages: ({ inputs: { a, b } }) => [
    {
      entry: 'dot',
      args: (write, at) =>
        void write
          .u32(at.address('a'))
          .u32(at.address('b'))
          .u32(at.address('y'))
          .u32(a.shape[0] ?? 0)
          .u32(sizeOf(b.shape)),
    },
  ],
})

export const misbehaveKernel: WasmKernel = defineWasmKernel(misbehaveOp, {
  name: 'plain',
  module,
  supports,
  stages: ({ options: { thread, rounds, traps = false, others = 0, together = true } }) => [
    {
      entry: 'misbehave',
      args: (write, at) =>
        void write
          .u32(thread)
          .u32(rounds)
          .u32(traps ? 1 : 0)
          .u32(others)
          .u32(at.address('y'))
          .u32(together ? 1 : 0)
          .u32(0),
    },
  ],
})

export const testKernels: readonly WasmKernel[] = [scaleKernel, reverseKernel, dotKernel, misbehaveKernel]
