import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bufferSink, type GgufValue, readGguf, writeGguf } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { tinyModel } from '@tessera-llm/tiny-model'

export const tiny = fileURLToPath(tinyModel.ggufUrl)
/** A small random llama as GGUF and as a folder; `llama.json` holds PyTorch's results for it. */
export const llamaGguf = fileURLToPath(new URL('../golden/llama.gguf', import.meta.url))
export const llamaFolder = fileURLToPath(new URL('../golden/llama-folder', import.meta.url))

export interface TinyGolden {
  readonly prompts: readonly {
    readonly text: string
    readonly idsWithBos: number[]
    readonly top10Ids: number[]
    readonly top10Logits: number[]
    readonly logsumexp: number
    readonly greedy: number[]
  }[]
}

export async function tinyGolden(): Promise<TinyGolden> {
  return JSON.parse(await readFile(tinyModel.goldenUrl, 'utf8')) as TinyGolden
}

/** Calls `use` with a temporary folder, which is removed afterwards. */
export async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tessera-cli-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The tiny model with some metadata replaced, and weights changed by `change`. */
export async function tinyWith(
  path: string,
  changes: readonly (readonly [string, GgufValue])[],
  change: (name: string, bytes: Uint8Array) => Uint8Array = (_, bytes) => bytes,
): Promise<void> {
  const checkpoint = await readGguf(await fileSource(tiny))
  const sink = bufferSink()
  await writeGguf(
    {
      metadata: new Map([...checkpoint.typedMetadata, ...changes]),
      tensors: [...checkpoint.tensors.values()].map((stored) => ({
        name: stored.name,
        shape: stored.shape,
        format: stored.format,
        bytes: async () => change(stored.name, await stored.read()),
      })),
    },
    sink,
  )
  await checkpoint.close()
  await writeFile(path, sink.bytes())
}

/** A llama with one tensor of 8 GiB in a sparse file: more than WebAssembly's memory, and almost nothing on disk. */
export async function hugeModel(path: string): Promise<void> {
  const width = 8192
  const rows = 262_144
  const string = (value: string): Buffer => Buffer.concat([u64(value.length), Buffer.from(value)])
  const metadata = [
    Buffer.concat([string('general.architecture'), u32(8), string('llama')]),
    ...Object.entries({
      block_count: 1,
      embedding_length: width,
      feed_forward_length: width,
      'attention.head_count': 64,
      context_length: 8192,
    }).map(([key, value]) => Buffer.concat([string(`llama.${key}`), u32(4), u32(value)])),
    Buffer.concat([
      string('llama.attention.layer_norm_rms_epsilon'),
      u32(6),
      Buffer.from(Float32Array.of(1e-5).buffer),
    ]),
  ]
  const tensor = Buffer.concat([string('token_embd.weight'), u32(2), u64(width), u64(rows), u32(0), u64(0)])
  const header = Buffer.concat([Buffer.from('GGUF'), u32(3), u64(1), u64(metadata.length), ...metadata, tensor])
  const file = await open(path, 'w')
  await file.write(header)
  await file.truncate(Math.ceil(header.length / 32) * 32 + width * rows * 4)
  await file.close()
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
