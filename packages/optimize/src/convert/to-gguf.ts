import type { Checkpoint, GgufContent, GgufValue, TensorData } from '@tessera-llm/formats'
import type { Fields } from '@tessera-llm/runtime'
import { bytesOf, TesseraError } from '@tessera-llm/tensor'
import { ggufConfig, readHuggingFaceConfig } from './config.ts'
import { llama3Factors } from './rope-factors.ts'
import { isNorm, renamed, rotatedProjection } from './tensor-names.ts'
import { asF32, copied, hasGgufType, withRowsOf } from './tensors.ts'
import { ggufTokenizer } from './tokenizer-to-gguf.ts'
import { text, u32 } from './values.ts'

/** A Hugging Face folder, its JSON files parsed. */
export interface HuggingFaceModel {
  /** Weights, those of quantized layouts shown as whole tensors (`quantizedCheckpoint`). */
  readonly checkpoint: Checkpoint
  readonly config: Fields
  readonly tokenizer: Fields
  readonly tokenizerConfig?: Fields | undefined
  /** `general.name` of the file. */
  readonly name?: string | undefined
}

/** Numbers of llama.cpp for what most of a file is stored as. */
const fileTypes: Readonly<Record<string, number>> = { f32: 0, f16: 1, q4_0: 2, q4_1: 3, q8_0: 7, q5_0: 8, q5_1: 9, bf16: 32 }

/**
 * What a GGUF file of the model holds: every weight with its values, under the names and in the row order of llama.cpp, vectors as f32.
 * Nothing is read but headers until it is written.
 *
 * @throws TesseraError `unsupported` for an architecture, tokenizer, tensor or setting that a GGUF file cannot carry; `invalid-file`
 */
export function ggufContent({ checkpoint, config: fields, tokenizer, tokenizerConfig = {}, name }: HuggingFaceModel): GgufContent {
  const read = readHuggingFaceConfig(fields)
  const { architecture, config, rope } = read
  const tensors: TensorData[] = []
  const sizes = new Map<string, number>()
  for (const stored of checkpoint.tensors.values()) {
    // A tied head that is stored all the same is the embedding once more; older files hold tables that are computed. How inputs are rounded, a
    // GGUF file does not say.
    if (/\.(?:rotary_emb\.inv_freq|input_scale)$/.test(stored.name) || (config.tiedHead && stored.name === 'lm_head.weight')) continue
    const target = renamed(stored.name, 'gguf', architecture)
    if (target === undefined) throw new TesseraError('unsupported', `convert: the tensor ${stored.name} has no name in GGUF files of ${architecture.gguf}; nothing was written`, { details: { tensor: stored.name } })
    if (!hasGgufType(stored)) throw new TesseraError('unsupported', `convert: ${stored.name} is stored as ${stored.format}, for which GGUF has no type`, { details: { tensor: stored.name } })
    const projection = architecture.interleavesHeads ? rotatedProjection(stored.name) : undefined
    const heads = projection === 'query' ? config.numHeads : config.numKvHeads
    const isVector = stored.shape.length === 1
    if (projection) {
      const turned = withRowsOf(stored, target, heads, 'interleaved')
      tensors.push(isVector && stored.format !== 'f32' ? asF32({ ...stored, read: async () => (turned as { bytes: () => Promise<Uint8Array> }).bytes() }, target) : turned)
    } else tensors.push(isVector ? asF32(stored, target, architecture.addsOneToNorms && isNorm(stored.name) ? 1 : 0) : copied(stored, target))
    sizes.set(stored.format, (sizes.get(stored.format) ?? 0) + stored.byteLength)
  }
  const embedding = tensors.find((tensor) => tensor.name === 'token_embd.weight')
  if (!embedding) throw new TesseraError('invalid-file', 'convert: the checkpoint has no model.embed_tokens.weight; is it a language model?')
  if (embedding.shape[0] !== config.vocabSize) throw new TesseraError('invalid-file', `convert: config.json has a vocabulary of ${config.vocabSize}, but model.embed_tokens.weight ${embedding.shape[0]} rows; the files belong to different models`)
  if (rope.scaling.type === 'llama3') tensors.push({ name: 'rope_freqs.weight', shape: [rope.rotaryDim / 2], format: 'f32', bytes: bytesOf(llama3Factors(rope.scaling, rope.theta, rope.rotaryDim)) })
  const most = [...sizes].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'f32'
  const isQuantized = !['f32', 'f16', 'bf16'].includes(most)
  const metadata: readonly (readonly [string, GgufValue])[] = [
    ['general.architecture', text(architecture.gguf)],
    ['general.type', text('model')],
    ...(name === undefined ? [] : [['general.name', text(name)] as const]),
    ...(fileTypes[most] === undefined ? [] : [['general.file_type', u32(fileTypes[most])] as const]),
    ...(isQuantized ? [['general.quantization_version', u32(2)] as const] : []),
    ...ggufConfig(read),
    ...ggufTokenizer(tokenizer, tokenizerConfig, fields, config.vocabSize),
  ]
  return { metadata: new Map(metadata), tensors }
}
