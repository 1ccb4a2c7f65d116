import { denseSpec, type Op, sizeOf, specBytes, type Tensor, TesseraError } from '@tessera-llm/tensor'

export type KvCopyPageInputs = {
  readonly pool: Tensor
  /** i32[2]: the page to copy, and where to. */
  readonly pages: Tensor
}

export type KvCopyPageOptions = {
  /** Pages of the pool, all of one size, one after the other. */
  readonly numPages: number
}

/** Copies one page of a pool onto another, in place: what a sequence needs that appends to a page which others share. Pages that are not there are not copied. */
export const kvCopyPageOp: Op<KvCopyPageInputs, Record<string, never>, KvCopyPageOptions> = {
  id: 'kv-copy-page',
  version: 1,
  package: '@tessera-llm/attention',
  writes: ['pool'],
  validate(inputs, { numPages }) {
    const pool = denseSpec(inputs.pool, 'kv-copy-page', 'pool')
    const pages = denseSpec(inputs.pages, 'kv-copy-page', 'pages')
    if (!Number.isSafeInteger(numPages) || numPages < 1 || specBytes(pool) % (4 * numPages) !== 0)
      throw new TesseraError(
        'invalid-option',
        `kv-copy-page: numPages must divide the pool of ${specBytes(pool)} bytes into pages of whole words, ${numPages} does not`,
      )
    if (pages.dtype !== 'i32' || sizeOf(pages.shape) !== 2)
      throw new TesseraError(
        'invalid-shape',
        `kv-copy-page: pages must be i32 [2], not ${pages.dtype} [${pages.shape.join(', ')}]`,
      )
    return {}
  },
  tolerance: () => ({ atol: 0, rtol: 0, nmse: 0 }),
  cost: ({ inputs, options }) => ({
    flops: 0,
    bytesRead: specBytes(inputs.pool) / options.numPages,
    bytesWritten: specBytes(inputs.pool) / options.numPages,
  }),
  reference({ pool, pages }, { numPages }) {
    const [from = -1, to = -1] = pages.data
    const size = pool.data.length / numPages
    if (Math.min(from, to) >= 0 && Math.max(from, to) < numPages)
      pool.data.copyWithin(to * size, from * size, (from + 1) * size)
    return {}
  },
}

export function kvCopyPage(pool: Tensor, pages: Tensor, numPages: number): void {
  pool.device.run(kvCopyPageOp, { pool, pages }, { numPages })
}
