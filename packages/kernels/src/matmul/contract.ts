import {
  dense,
  denseSpec,
  formatShape,
  type InputSpecs,
  sizeOf,
  specBytes,
  type Op,
  type Tensor,
  type TensorSpec,
  TesseraError,
  toleranceOf,
  type WeightSpec,
} from '@tessera-llm/tensor'

/** Inputs of `matmul`: a [B…, M, K] and b [B…, K, N] or a shared [K, N], each f32, f16 or bf16. */
export type MatmulInputs = { readonly a: Tensor; readonly b: Tensor }

/** Outputs of `matmul`: y f32[B…, M, N]. */
export type MatmulOutputs = { readonly y: Tensor }

/** Options of `matmul`: transposed storage of the inputs. */
export type MatmulOptions = {
  /** Whether a is stored as [K, M]. Default false. */
  readonly transposeA?: boolean | undefined
  /** Whether b is stored as [N, K]. Default false. */
  readonly transposeB?: boolean | undefined
}

/** Sizes of a problem after the transposes. */
export interface MatmulSizes {
  readonly batch: readonly number[]
  readonly m: number
  readonly k: number
  readonly n: number
  /** Whether b has no batch axes, so that all products share it. */
  readonly isShared: boolean
}

/**
 * `y = a · b`, batched: a [B…, M, K], b [B…, K, N] or a shared [K, N], each f32, f16 or bf16 → y f32[B…, M, N]. For
 * weights, dense or packed, use `linear`.
 */
export const matmulOp: Op<MatmulInputs, MatmulOutputs, MatmulOptions> = {
  id: 'matmul',
  version: 1,
  package: '@tessera-llm/kernels',
  validate(inputs, options) {
    const { batch, m, n } = matmulSizes(inputs, options)
    return { y: dense('f32', [...batch, m, n]) }
  },
  // Storage in f16 or bf16 adds no error: the reference reads the same rounded values. Partial sums of K products of
  // magnitude 1 and random sign reach √K, and every addition rounds one.
  tolerance({ inputs, options }) {
    const { k } = matmulSizes(inputs, options)
    return toleranceOf({ dtype: 'f32', reduce: k, scale: Math.sqrt(k) })
  },
  cost({ inputs, outputs, options }) {
    const size = sizeOf(outputs.y.shape)
    return {
      flops: 2 * size * matmulSizes(inputs, options).k,
      bytesRead: specBytes(inputs.a) + specBytes(inputs.b),
      bytesWritten: 4 * size,
    }
  },
  reference({ a, b }, options, problem) {
    const { batch, m, k, n, isShared } = matmulSizes(problem.inputs, options)
    const products = sizeOf(batch)
    const y = new Float64Array(products * m * n)
    for (let product = 0; product < products; product++) {
      const atA = product * m * k
      const atB = isShared ? 0 : product * k * n
      for (let row = 0; row < m; row++) {
        for (let column = 0; column < n; column++) {
          let sum = 0
          for (let i = 0; i < k; i++) {
            const left = a.data[atA + (options.transposeA ? i * m + row : row * k + i)] as number
            const right = b.data[atB + (options.transposeB ? column * k + i : i * n + column)] as number
            sum += left * right
          }
          y[(product * m + row) * n + column] = sum
        }
      }
    }
    return { y }
  },
}

/**
 * `y = a · b`, batched: a [B…, M, K], b [B…, K, N] or a shared [K, N], each f32, f16 or bf16 → y f32[B…, M, N]. Options
 * say that a is stored as [K, M] or b as [N, K].
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  return a.device.run(matmulOp, { a, b }, options).y
}

/** Sizes of a problem, for the contract and kernels. Throws `invalid-shape` if a and b do not fit. */
export function matmulSizes(
  { a, b }: InputSpecs<MatmulInputs>,
  { transposeA = false, transposeB = false }: MatmulOptions,
): MatmulSizes {
  const left = floatSpec(a, 'a').shape
  const right = floatSpec(b, 'b').shape
  const batch = left.slice(0, -2)
  const batchB = right.slice(0, -2)
  const [m = 0, k = 0] = transposeA ? left.slice(-2).reverse() : left.slice(-2)
  const [inner = 0, n = 0] = transposeB ? right.slice(-2).reverse() : right.slice(-2)
  const isShared = batchB.length === 0 && batch.length > 0
  if (k !== inner)
    throw new TesseraError(
      'invalid-shape',
      `matmul: a ${formatShape(left)}${transposed(transposeA)} has ${k} columns, b ${formatShape(right)}${transposed(transposeB)} has ${inner} rows; they must be equal`,
    )
  if (!isShared && batch.join() !== batchB.join())
    throw new TesseraError(
      'invalid-shape',
      `matmul: the batch axes ${formatShape(batchB)} of b must be those of a, ${formatShape(batch)}, or none`,
    )
  return { batch, m, k, n, isShared }
}

function transposed(isTransposed: boolean): string {
  return isTransposed ? ' (transposed)' : ''
}

function floatSpec(spec: WeightSpec, name: string): TensorSpec {
  const found = denseSpec(spec, 'matmul', name)
  if (found.dtype !== 'f32' && found.dtype !== 'f16' && found.dtype !== 'bf16')
    throw new TesseraError('invalid-dtype', `matmul: ${name} must be f32, f16 or bf16, not ${found.dtype}`)
  if (found.shape.length < 2)
    throw new TesseraError(
      'invalid-shape',
      `matmul: ${name} must have at least two axes, not ${formatShape(found.shape)}`,
    )
  return found
}
