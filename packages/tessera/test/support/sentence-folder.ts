import { copyFile, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bufferSink, bufferSource, readSafetensors, writeSafetensors } from '@tessera-llm/formats'

// Referenced by path, because the goldens of architectures belong to the runtime.
const golden = new URL('../../../runtime/test/golden/architectures/distilbert/', import.meta.url)

/** Configuration of a folder: JSON files by their path in it. */
export type SentenceSettings = Readonly<Record<string, unknown>>

export const meanModules: readonly object[] = [
  { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
  { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
]
export const meanPooling: Readonly<Record<string, unknown>> = {
  word_embedding_dimension: 48,
  pooling_mode_cls_token: false,
  pooling_mode_mean_tokens: true,
  pooling_mode_max_tokens: false,
}

/** A small random DistilBERT as sentence-transformers would store it; its words are `t0` to `t255`, one token each. */
export async function sentenceFolder(
  settings: SentenceSettings = { 'modules.json': meanModules, '1_Pooling/config.json': meanPooling },
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-sentence-'))
  await mkdir(join(folder, '1_Pooling'))
  await copyFile(new URL('config.json', golden), join(folder, 'config.json'))
  await writeFile(
    join(folder, 'model.safetensors'),
    await withBuffer(await readFile(new URL('model.safetensors', golden))),
  )
  const tokenizer = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: 't0',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(Array.from({ length: 256 }, (_, id) => [`t${id}`, id])),
    },
  }
  for (const [path, value] of Object.entries({ 'tokenizer.json': tokenizer, ...settings }))
    await writeFile(join(folder, path), JSON.stringify(value))
  return folder
}

/** Adds the positions as integers, which older versions of transformers stored beside the weights. */
async function withBuffer(safetensors: Uint8Array): Promise<Uint8Array> {
  const { tensors } = await readSafetensors(bufferSource(safetensors))
  const sink = bufferSink()
  const positions = new Uint8Array(BigInt64Array.from({ length: 64 }, (_, index) => BigInt(index)).buffer)
  const buffer = { name: 'embeddings.position_ids', shape: [1, 64], format: 'i64', bytes: positions }
  await writeSafetensors({ tensors: [...tensors.values(), buffer], metadata: { format: 'pt' } }, sink)
  return sink.bytes()
}

export const textOf = (ids: readonly number[]): string => ids.map((id) => `t${id}`).join(' ')
