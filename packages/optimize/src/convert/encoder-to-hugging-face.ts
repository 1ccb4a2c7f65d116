import type { Checkpoint } from '@tessera-llm/formats'
import {
  createTokenizerFromGguf,
  type Fields,
  readEncoderConfig,
  sentenceConfigFromGguf,
  wordPieceJson,
} from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { renamedInEncoder } from './encoder-names.ts'
import { forSafetensors, requireName } from './tensors.ts'
import type { HuggingFaceContent } from './to-hugging-face.ts'
import { tokenKinds } from './tokenizer-to-gguf.ts'
import { shortest } from './values.ts'

/** `torch_dtype` by the format of the embedding; other formats are decoded to f32. */
const dtypes: Readonly<Record<string, string>> = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' }

const poolings = {
  mean: 'pooling_mode_mean_tokens',
  first: 'pooling_mode_cls_token',
  last: 'pooling_mode_lasttoken',
  'mean-sqrt-length': 'pooling_mode_mean_sqrt_len_tokens',
} as const

/**
 * Content of a sentence-transformers folder for a BERT in a GGUF file, with the pooling that the file names and vectors
 * of length 1.
 *
 * @throws TesseraError `unsupported` for tensors and tokenizers that a folder cannot hold, including blocks without
 *   `decode`
 */
export function huggingFaceEncoderContent(checkpoint: Checkpoint, decode: boolean): HuggingFaceContent {
  const metadata = checkpoint.metadata as Fields
  const config = readEncoderConfig(checkpoint)
  const tensors = [...checkpoint.tensors.values()].map((stored) =>
    forSafetensors(
      stored,
      requireName(stored, renamedInEncoder(stored.name, 'hugging-face'), 'Hugging Face checkpoints of bert'),
      decode,
    ),
  )
  const { pooling } = sentenceConfigFromGguf(metadata)
  return {
    tensors,
    config: {
      architectures: ['BertModel'],
      model_type: 'bert',
      hidden_act: 'gelu',
      hidden_size: config.hiddenSize,
      intermediate_size: config.intermediateSize,
      layer_norm_eps: shortest(config.normEps),
      max_position_embeddings: config.contextLength,
      num_attention_heads: config.numHeads,
      ...(config.numKvHeads === config.numHeads ? {} : { num_key_value_heads: config.numKvHeads }),
      num_hidden_layers: config.numLayers,
      pad_token_id: paddingOf(metadata),
      position_embedding_type: 'absolute',
      torch_dtype: dtypes[checkpoint.tensors.get('token_embd.weight')?.format ?? ''] ?? 'float32',
      type_vocab_size: config.tokenTypes,
      vocab_size: config.vocabSize,
    },
    ...tokenizerOf(metadata, config.contextLength),
    sentence: {
      modules: [
        ['0', '', 'Transformer'],
        ['1', '1_Pooling', 'Pooling'],
        ['2', '2_Normalize', 'Normalize'],
      ].map(([name, path, type], idx) => ({ idx, name, path, type: `sentence_transformers.models.${type}` })),
      pooling: {
        word_embedding_dimension: config.hiddenSize,
        ...Object.fromEntries(Object.entries(poolings).map(([kind, field]) => [field, kind === pooling])),
      },
      transformer: { max_seq_length: config.contextLength, do_lower_case: false },
    },
  }
}

function tokenizerOf(
  metadata: Fields,
  contextLength: number,
): Pick<HuggingFaceContent, 'tokenizer' | 'tokenizerConfig'> {
  // Validates the fields that are read below.
  const read = createTokenizerFromGguf(metadata)
  if (metadata['tokenizer.ggml.model'] !== 'bert')
    throw new TesseraError(
      'unsupported',
      `convert: the tokenizer is of the kind ${String(metadata['tokenizer.ggml.model'])}; of encoders, those of WordPiece (bert) are converted`,
    )
  const tokens = metadata['tokenizer.ggml.tokens'] as readonly string[]
  const kinds = (metadata['tokenizer.ggml.token_type'] ?? tokens.map(() => tokenKinds.normal)) as readonly number[]
  const tokenizer = wordPieceJson(metadata, tokens, kinds)
  const [begin, end] = read.encode('').map(read.tokenOf)
  const { unk_token } = tokenizer['model'] as Fields
  const optional = (
    [
      ['pad_token', 'padding'],
      ['mask_token', 'mask'],
    ] as const
  ).flatMap(([name, key]) => {
    const id = metadata[`tokenizer.ggml.${key}_token_id`]
    return typeof id === 'number' ? [[name, read.tokenOf(id)] as const] : []
  })
  return {
    tokenizer,
    tokenizerConfig: {
      tokenizer_class: 'BertTokenizer',
      model_max_length: contextLength,
      do_lower_case: (tokenizer['normalizer'] as Fields)['lowercase'],
      clean_up_tokenization_spaces: true,
      cls_token: begin,
      sep_token: end,
      unk_token,
      ...Object.fromEntries(optional),
    },
  }
}

function paddingOf(metadata: Fields): number {
  const id = metadata['tokenizer.ggml.padding_token_id']
  return typeof id === 'number' ? id : 0
}
