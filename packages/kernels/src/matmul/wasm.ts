import { type Problem, sizeOf, type WeightSpec } from '@tessera-llm/tensor'
import { type ArgumentWriter, type Bindings, defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { type MatmulInputs, matmulOp, type MatmulOptions, type MatmulOutputs, matmulSizes } from './contract.ts'

type MatmulProblem = Problem<MatmulInputs, MatmulOutputs, MatmulOptions>

/** Packs eight columns of b at a time as a panel, and a transposed in a stage before. */
export const matmulWasm: WasmKernel = defineWasmKernel(matmulOp, {
  name: 'panels',
  module: kernelsModule,
  supports: () => true,
  stages(problem) {
    const args = (write: ArgumentWriter, at: Bindings): void => writeArguments(problem, write, at)
    return [
      { entry: 'matmulLeft', args },
      { entry: 'matmul', args },
    ]
  },
  scratchBytes: (problem, threads) => panelBytes(problem) * threads + laidBytes(problem),
})

function writeArguments(problem: MatmulProblem, write: ArgumentWriter, at: Bindings): void {
  const {
    inputs: { a, b },
    options: { transposeA = false, transposeB = false },
  } = problem
  const { batch, m, k, n, isShared } = matmulSizes(problem.inputs, problem.options)
  const perThread = panelBytes(problem)
  write
    .u32(at.address('a'))
    .u32(at.address('b'))
    .u32(at.address('y'))
    .u32(sizeOf(batch))
    .u32(m)
    .u32(k)
    .u32(n)
    .u32(isShared ? 1 : 0)
    .u32(transposeA ? 1 : 0)
    .u32(transposeB ? 1 : 0)
    .u32(kindOf(a))
    .u32(kindOf(b))
    .u32(at.scratch)
    .u32(perThread)
    .u32(at.scratch + perThread * at.threads)
}

/** Storage kind of assembly/element.ts. */
function kindOf(spec: WeightSpec): number {
  if (spec.kind === 'dense' && spec.dtype === 'f16') return 1
  return spec.kind === 'dense' && spec.dtype === 'bf16' ? 2 : 0
}

/** Bytes of a packed as f32 tiles, rows padded to at most a multiple of 4. */
function laidBytes({ inputs, options }: MatmulProblem): number {
  const { batch, m, k } = matmulSizes(inputs, options)
  return sizeOf(batch) * Math.ceil(m / 4) * k * 16
}

function panelBytes({ inputs, options }: MatmulProblem): number {
  return Math.ceil((192 + matmulSizes(inputs, options).k * 32) / 64) * 64
}
