import type { Checkpoint, GgufContent, GgufValue, TensorData } from '@tessera-llm/formats'
import { type Fields, ggufTransform, type SentenceFiles, transformedDownName } from '@tessera-llm/runtime'
import { bytesOf, TesseraError } from '@tessera-llm/tensor'
import { ggufConfig, readHuggingFaceConfig } from './config.ts'
import { ggufEncoderContent } from './encoder-to-gguf.ts'
import { generalMetadata } from './general-metadata.ts'
import { llama3Factors } from './rope-factors.ts'
import { isNorm, renamed, rotatedProjection } from './tensor-names.ts'
import { asF32, checkEmbedding, checkGgufType, copied, requireName, withRowsOf } from './tensors.ts'
import { ggufTokenizer } from './tokenizer-to-gguf.ts'

/** A Hugging Face folder with parsed JSON files. */
export interface HuggingFaceModel {
  /** Weights; those of quantized layouts as whole tensors (`quantizedCheckpoint`). */
  readonly checkpoint: Checkpoint
  readonly config: Fields
  /** `tokenizer.json`; required, because every GGUF file holds a tokenizer. */
  readonly tokenizer?: Fields | undefined
  readonly tokenizerConfig?: Fields | undefined
  /** Files of sentence-transformers, if an encoder has them. */
  readonly sentence?: SentenceFiles | undefined
  /** `general.name` of the file. */
  readonly name?: string | undefined
}

/**
 * Content of a GGUF file of the model: every weight with its values, under the names and in the row order of llama.cpp,
 * vectors as f32. Only headers are read before the content is written.
 *
 * @throws TesseraError `unsupported` for an architecture, tokenizer, tensor or setting that a GGUF file cannot hold;
 *   `not-found` without a tokenizer; `invalid-file`
 */
export function ggufContent(model: HuggingFaceModel): GgufContent {
  const { checkpoint, config: fields, tokenizer, tokenizerConfig = {}, name } = model
  if (tokenizer === undefined)
    throw new TesseraError('not-found', 'convert: the folder has no tokenizer.json, which a GGUF file holds; add it')
  if (fields['model_type'] === 'bert') return ggufEncoderContent({ ...model, tokenizer })
  const read = readHuggingFaceConfig(fields)
  const { architecture, config, rope } = read
  const tensors: TensorData[] = []
  for (const stored of checkpoint.tensors.values()) {
    // Skips tensors that GGUF files do not hold: a tied head that duplicates the embedding, computed tables of older
    // files, and scales of rounded inputs.
    if (
      /\.(?:rotary_emb\.inv_freq|input_scale)$/.test(stored.name) ||
      (config.tiedHead && stored.name === 'lm_head.weight')
    )
      continue
    const plain = requireName(stored, renamed(stored.name, 'gguf', architecture), `GGUF files of ${architecture.gguf}`)
    const target = config.downHadamard === undefined ? plain : transformedDownName(plain)
    checkGgufType(stored)
    const projection = architecture.interleavesHeads ? rotatedProjection(stored.name) : undefined
    const heads = projection === 'query' ? config.numHeads : config.numKvHeads
    const isVector = stored.shape.length === 1
    if (projection) {
      const permuted = withRowsOf(stored, target, heads, 'interleaved')
      tensors.push(
        isVector && stored.format !== 'f32'
          ? asF32({ ...stored, read: async () => (permuted as { bytes: () => Promise<Uint8Array> }).bytes() }, target)
          : permuted,
      )
    } else
      tensors.push(
        isVector
          ? asF32(stored, target, architecture.addsOneToNorms && isNorm(stored.name) ? 1 : 0)
          : copied(stored, target),
      )
  }
  checkEmbedding(tensors, config.vocabSize, 'model.embed_tokens.weight', 'language model')
  if (rope.scaling.type === 'llama3')
    tensors.push({
      name: 'rope_freqs.weight',
      shape: [rope.rotaryDim / 2],
      format: 'f32',
      bytes: bytesOf(llama3Factors(rope.scaling, rope.theta, rope.rotaryDim)),
    })
  const metadata: readonly (readonly [string, GgufValue])[] = [
    ...generalMetadata(architecture.gguf, name, checkpoint),
    ...ggufConfig(read),
    ...(config.downHadamard === undefined ? [] : [ggufTransform(config.downHadamard)]),
    ...ggufTokenizer(tokenizer, tokenizerConfig, fields, config.vocabSize),
  ]
  return { metadata: new Map(metadata), tensors }
}
