import { denseSpec, type Op, sizeOf, specBytes, type Tensor, TesseraError } from '@tessera-llm/tensor'

/** Inputs of `kvCopyPage`: a pool of pages of any dtype (written in place), and the two page numbers. */
export type KvCopyPageInputs = {
  readonly pool: Tensor
  /** i32[2]: source page and target page. */
  readonly pages: Tensor
}

/** Options of `kvCopyPage`. */
export type KvCopyPageOptions = {
  /** Number of pages in the pool, contiguous and of equal size. */
  readonly numPages: number
}

/**
 * Copies one page of a pool onto another, in place. A sequence needs it before it appends to a shared page. Pages out
 * of range are not copied.
 */
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

/**
 * Copies page pages[0] of a pool onto page pages[1], in place; pages i32[2]. See {@link kvCopyPageOp}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option`
 */
export function kvCopyPage(pool: Tensor, pages: Tensor, numPages: number): void {
  pool.device.run(kvCopyPageOp, { pool, pages }, { numPages })
}
