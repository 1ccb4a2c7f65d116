import type { Checkpoint, TensorData } from '@tessera-llm/formats'
import { type Fields, plainDownName, poolingFolder, type RopeScaling, type SentenceFiles } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { huggingFaceConfig, readGgufConfig, type ReadConfig } from './config.ts'
import { huggingFaceEncoderContent } from './encoder-to-hugging-face.ts'
import { llama3Scaling } from './rope-factors.ts'
import { isNorm, renamed, rotatedProjection } from './tensor-names.ts'
import { asF32, decoded, floatsOf, forSafetensors, isDense, requireName, withRowsOf } from './tensors.ts'
import { withTransform } from '../transform/index.ts'
import { huggingFaceTokenizer } from './tokenizer-from-gguf.ts'

/** Content of a Hugging Face folder. */
export interface HuggingFaceContent {
  readonly tensors: readonly TensorData[]
  readonly config: Fields
  readonly tokenizer: Fields
  readonly tokenizerConfig: Fields
  /** Files of sentence-transformers; encoders only. */
  readonly sentence?: SentenceFiles | undefined
}

/** Options of `huggingFaceContent`. */
export interface ToHuggingFaceOptions {
  /** Writes the exact values of quantized weights as f32 instead of refusing them. Default false. */
  readonly decode?: boolean | undefined
}

/**
 * Content of a Hugging Face folder for a GGUF file's model: every weight with its values, under the names and in the
 * row order of transformers.
 *
 * @throws TesseraError `unsupported` for an architecture, tokenizer, tensor or setting that a folder cannot hold,
 *   including blocks without `decode`
 */
export async function huggingFaceContent(
  checkpoint: Checkpoint,
  { decode = false }: ToHuggingFaceOptions = {},
): Promise<HuggingFaceContent> {
  const metadata = checkpoint.metadata as Fields
  if (metadata['general.architecture'] === 'bert') return huggingFaceEncoderContent(checkpoint, decode)
  const embedding = checkpoint.tensors.get('token_embd.weight')
  if (!embedding)
    throw new TesseraError('invalid-file', 'convert: the GGUF file has no token_embd.weight; is it a language model?')
  const read = readGgufConfig(metadata, embedding.shape[0] ?? 0, !checkpoint.tensors.has('output.weight'))
  const { architecture, config } = read
  const tensors: TensorData[] = []
  for (const stored of checkpoint.tensors.values()) {
    if (stored.name === 'rope_freqs.weight') continue
    const target = requireName(
      stored,
      renamed(
        config.downHadamard === undefined ? stored.name : plainDownName(stored.name),
        'hugging-face',
        architecture,
      ),
      `Hugging Face checkpoints of ${architecture.modelTypes[0]}`,
    )
    const plain = forSafetensors(stored, target, decode)
    const projection = architecture.interleavesHeads ? rotatedProjection(stored.name) : undefined
    const heads = projection === 'query' ? config.numHeads : config.numKvHeads
    if (projection) {
      const permuted = withRowsOf(stored, target, heads, 'halves') as Extract<TensorData, { bytes: unknown }> & {
        bytes: () => Promise<Uint8Array>
      }
      tensors.push(isDense(stored) ? permuted : decoded({ ...stored, read: permuted.bytes }, target))
    } else tensors.push(architecture.addsOneToNorms && isNorm(stored.name) ? asF32(stored, target, -1) : plain)
  }
  const number = (key: string): number | undefined => (typeof metadata[key] === 'number' ? metadata[key] : undefined)
  const quantization = withTransform(undefined, config)
  const dtypes = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' } as const
  return {
    tensors,
    config: {
      ...huggingFaceConfig(read, {
        dtype: embedding.format in dtypes ? dtypes[embedding.format as keyof typeof dtypes] : 'float32',
        hasBias: checkpoint.tensors.has('blk.0.attn_q.bias'),
        scaling: await scalingOf(checkpoint, read),
        bosId: number('tokenizer.ggml.bos_token_id'),
        eosId: number('tokenizer.ggml.eos_token_id'),
        padId: number('tokenizer.ggml.padding_token_id'),
      }),
      ...(quantization ? { quantization_config: quantization } : {}),
    },
    ...huggingFaceTokenizer(metadata, config.contextLength),
  }
}

/** The JSON files of a folder by name; those of sentence-transformers at the paths that it expects. */
export function huggingFaceJson({
  config,
  tokenizer,
  tokenizerConfig,
  sentence,
}: Omit<HuggingFaceContent, 'tensors'>): Readonly<Record<string, Fields | readonly unknown[]>> {
  const { modules, pooling, transformer } = sentence ?? {}
  return {
    'config.json': config,
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': tokenizerConfig,
    ...(modules && { 'modules.json': modules }),
    ...(transformer && { 'sentence_bert_config.json': transformer }),
    ...(pooling && modules && { [`${poolingFolder(modules)}/config.json`]: pooling }),
  }
}

/** The rope scaling; that of Llama 3.1 is recovered from its factors. */
async function scalingOf(checkpoint: Checkpoint, { rope, config }: ReadConfig): Promise<RopeScaling> {
  const stored = checkpoint.tensors.get('rope_freqs.weight')
  if (!stored) return rope.scaling
  const factors = await floatsOf(stored)
  if (rope.scaling.type !== 'none')
    throw new TesseraError(
      'unsupported',
      'convert: the GGUF file scales rope by metadata and by rope_freqs.weight at once, which config.json cannot say',
    )
  const scaling = factors.length === config.headDim / 2 ? llama3Scaling(factors, rope.theta) : undefined
  if (!scaling)
    throw new TesseraError(
      'unsupported',
      'convert: the factors in rope_freqs.weight are not those of a scaling as in Llama 3.1, and config.json has no other place for them',
    )
  return scaling
}
