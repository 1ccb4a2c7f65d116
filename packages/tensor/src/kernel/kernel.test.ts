import { expect, test } from 'vitest'
import { arrayKernel } from '../../test/array-device.ts'
import { scaleOp } from '../../test/ops.ts'
import {
  checkKernels,
  dense,
  describeProblem,
  isTesseraError,
  type Kernel,
  type Op,
  type Problem,
  selectKernel,
} from '../index.ts'

const op = scaleOp as unknown as Op
const problem = (length: number): Problem =>
  describeProblem(scaleOp, { x: dense('f32', [length]) }, { factor: 2 }) as unknown as Problem
const kernels = [
  arrayKernel({ op: 'test/scale', name: 'plain' }),
  arrayKernel({
    op: 'test/scale',
    name: 'wide',
    priority: (p) => (p.inputs['x']?.shape[0] as number) / 10,
    supports: (_, { simd }) => simd === true || 'needs SIMD',
  }),
  arrayKernel({ op: 'test/scale', name: 'next', opVersion: 2, priority: () => 99 }),
  arrayKernel({ op: 'test/other', name: 'plain', priority: () => 99 }),
]
const select = (length: number, simd: boolean, name?: string): ReturnType<typeof selectKernel<Kernel>> =>
  selectKernel<Kernel>(op, problem(length), kernels, { simd }, 'arrays', name)

test('the supported kernel of highest priority wins; priority may depend on the problem', () => {
  const { kernel, explanation } = select(50, true)
  expect(kernel).toBe(kernels[1])
  expect(explanation).toEqual({
    op: 'test/scale',
    device: 'arrays',
    kernel: 'wide',
    reason: 'wide has the highest priority (5) of 2 supported',
    candidates: [
      { kernel: 'plain', supported: true, priority: 0 },
      { kernel: 'wide', supported: true, priority: 5 },
    ],
  })
  expect(select(0, true).kernel).toBe(kernels[0])
})

test('a kernel that the device cannot run says why', () => {
  const { kernel, explanation } = select(50, false)
  expect(kernel).toBe(kernels[0])
  expect(explanation.candidates[1]).toEqual({ kernel: 'wide', supported: 'needs SIMD', priority: 5 })
})

test('a kernel asked for by name is the only one considered', () => {
  expect(select(50, true, 'plain').kernel).toBe(kernels[0])
  const { kernel, explanation } = select(50, false, 'wide')
  expect(kernel).toBeUndefined()
  expect(explanation.reason).toBe('plain: the call asked for wide; wide: needs SIMD')
})

test('kernels of another contract version or another op do not count', () => {
  const { kernel, explanation } = selectKernel(op, problem(1), kernels.slice(2), {}, 'arrays')
  expect([kernel, explanation.candidates, explanation.reason]).toEqual([
    undefined,
    [],
    'no kernel of test/scale@1 was passed to the device; add the kernels of @example/ops',
  ])
})

test('kernels of another ABI or another device are refused, naming what to do', () => {
  const fails = (kernel: object, code: 'kernel-abi' | 'invalid-option', message: string): void => {
    try {
      checkKernels([kernels[0] as Kernel, { ...kernels[0], ...kernel } as Kernel], 'wasm')
    } catch (error) {
      expect(isTesseraError(error, code)).toBe(true)
      expect(String(error)).toContain(message)
      return
    }
    expect.fail('not refused')
  }
  checkKernels(kernels, 'wasm')
  fails(
    { abi: 0 },
    'kernel-abi',
    'wasm device: the kernel test/scale/plain has ABI 0, this device speaks 1; update the older of the two packages',
  )
  fails(
    { device: 'webgpu' },
    'invalid-option',
    "the kernel test/scale/plain is for webgpu; import it from the package's /wasm subpath",
  )
})
