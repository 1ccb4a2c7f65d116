/** A model that lies in this package: where its files are, and the facts that a program prints before it loads them. */
export interface EmbeddedModel {
  readonly name: string
  /** f16 weights, f32 norms, tokenizer in the metadata. A `file:` URL in Node, an asset URL behind a bundler. */
  readonly ggufUrl: URL
  /** The same tokenizer as a `tokenizer.json`. */
  readonly tokenizerUrl: URL
  /** Token ids, logits, greedy tokens and held-out likelihood computed by PyTorch; see the package's README. */
  readonly goldenUrl: URL
  readonly ggufSizeBytes: number
  readonly ggufSha256: string
  readonly parameters: number
  /** Largest number of positions the model was trained on. */
  readonly contextLength: number
  readonly license: 'CC0-1.0'
}

/**
 * The small model of the demo and the tests: 2.75 million parameters, llama architecture, 5.6 MB.
 * The paths are relative to this module one folder below the package's root, which holds for `src/` and for `dist/`.
 */
export const tinyModel: EmbeddedModel = {
  name: 'tessera-tiny',
  ggufUrl: new URL('../model/tiny.gguf', import.meta.url),
  tokenizerUrl: new URL('../model/tokenizer.json', import.meta.url),
  goldenUrl: new URL('../model/golden.json', import.meta.url),
  ggufSizeBytes: 5_579_232,
  ggufSha256: 'a5262b21351d8f2d9f12c343caf1f21f696862279da56dce75be4673c8707900',
  parameters: 2_755_008,
  contextLength: 256,
  license: 'CC0-1.0',
}
