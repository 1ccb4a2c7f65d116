import {
  dense,
  denseSpec,
  formatShape,
  lastAxis,
  rowsOf,
  sizeOf,
  type Op,
  type Tensor,
  TesseraError,
  toleranceOf,
} from '@tessera-llm/tensor'
import { f32Spec } from '../check/index.ts'
import { logSumExp, lowest } from '../softmax/log-sum-exp.ts'

/** Inputs of `crossEntropy`: logits f32[…, V], labels i32[…]. */
export type CrossEntropyInputs = { readonly logits: Tensor; readonly labels: Tensor }

/** Outputs of `crossEntropy` in nats: negative log-likelihood and log-sum-exp of each row, f32[…]. */
export type CrossEntropyOutputs = { readonly nll: Tensor; readonly lse: Tensor }

/**
 * Loss of each token in nats: `lse = log Σ exp(logits)`, `nll = lse − logits[label]`. logits f32[…, V], labels i32[…] →
 * nll, lse f32[…]. A label outside 0 … V−1 (such as −100) is ignored: its nll is 0. −∞ is treated as the lowest finite
 * value.
 */
export const crossEntropyOp: Op<CrossEntropyInputs, CrossEntropyOutputs, Record<string, never>> = {
  id: 'cross-entropy',
  version: 1,
  package: '@tessera-llm/kernels',
  validate({ logits, labels }) {
    const { shape } = f32Spec(logits, 'cross-entropy', 'logits')
    if (shape.length === 0 || lastAxis(shape) === 0)
      throw new TesseraError('invalid-shape', 'cross-entropy: logits must have a last axis with at least one value')
    const rows = shape.slice(0, -1)
    const label = denseSpec(labels, 'cross-entropy', 'labels')
    if (label.dtype !== 'i32' || label.shape.join() !== rows.join()) {
      throw new TesseraError(
        'invalid-shape',
        `cross-entropy: labels must be i32 ${formatShape(rows)}, not ${label.dtype} ${formatShape(label.shape)}`,
      )
    }
    return { nll: dense('f32', rows), lse: dense('f32', rows) }
  },
  tolerance: ({ inputs }) => toleranceOf({ dtype: 'f32', reduce: lastAxis(inputs.logits.shape), stages: 2 }),
  cost({ inputs }) {
    const size = sizeOf(inputs.logits.shape)
    const rows = rowsOf(inputs.logits.shape)
    return { flops: 4 * size, bytesRead: 4 * (size + rows), bytesWritten: 8 * rows }
  },
  reference({ logits, labels }) {
    const width = lastAxis(logits.shape)
    const nll = new Float64Array(labels.data.length)
    const lse = new Float64Array(labels.data.length)
    for (const [row, label] of labels.data.entries()) {
      const values = logits.data.subarray(row * width, (row + 1) * width)
      const { largest, logSum } = logSumExp(values)
      lse[row] = largest + logSum
      if (label >= 0 && label < width) nll[row] = largest - Math.max(values[label] as number, lowest) + logSum
    }
    return { nll, lse }
  },
}

/**
 * Negative log-likelihood of each label and log-sum-exp of each row, in nats: logits f32[…, V], labels i32[…] → nll,
 * lse f32[…]. A label outside 0 … V−1 has nll 0. See {@link crossEntropyOp}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`
 */
export function crossEntropy(logits: Tensor, labels: Tensor): CrossEntropyOutputs {
  return logits.device.run(crossEntropyOp, { logits, labels }, {})
}
