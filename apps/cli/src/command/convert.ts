import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Checkpoint, storageFormat, storedBytes, writeGguf, type WriteOptions, writeSafetensors, writeSafetensorsShards } from '@tessera-llm/formats'
import { fileSink } from '@tessera-llm/formats/node'
import { ggufContent, huggingFaceContent } from '@tessera-llm/optimize'
import { TesseraError } from '@tessera-llm/tensor'
import { type ModelFiles, withFiles } from '../open/index.ts'
import { formatBytes, type Output } from '../terminal/index.ts'

export interface ConvertArguments {
  readonly model: string
  readonly out: string
  /** Writes blocks as f32 where the target has no blocks. */
  readonly decode: boolean
}

/** `convert MODEL OUT`: a Hugging Face folder to a GGUF file, or a GGUF file to a folder. What is there stays until all is written. */
export async function convert({ model, out, decode }: ConvertArguments, output: Output, signal: AbortSignal): Promise<void> {
  await withFiles(model, output, signal, async (files) => {
    const progress = output.progress('writing')
    const options: WriteOptions = { signal, onProgress: (done, total) => progress.report(done, total) }
    let written: number
    try {
      written = files.folder ? await toGguf(files, out, options) : await toFolder(files.checkpoint, out, decode, options)
    } finally {
      progress.end()
    }
    output.text(`${out}: ${written} tensors, converted from ${formatBytes(files.checkpoint.byteLength)}\n`)
    output.result({ model, out, tensors: written })
  })
}

async function toGguf({ folder, checkpoint, name }: ModelFiles, out: string, options: WriteOptions): Promise<number> {
  if (!out.endsWith('.gguf')) throw new TesseraError('invalid-option', `convert: a folder becomes a GGUF file, so that OUT must end in .gguf, not ${JSON.stringify(basename(out))}`)
  const content = ggufContent({ ...(folder as NonNullable<ModelFiles['folder']>), checkpoint, name: basename(name) })
  await writeGguf(content, await fileSink(out), options)
  return content.tensors.length
}

/** A larger model is cut into files of this size, as on the hub. */
const shardBytes = 5e9

/** Everything is written into a folder beside, which takes the name when it is complete. */
async function toFolder(checkpoint: Checkpoint, out: string, decode: boolean, options: WriteOptions): Promise<number> {
  if (out.endsWith('.gguf')) throw new TesseraError('invalid-option', 'convert: a GGUF file becomes a folder; OUT must not end in .gguf')
  if (await stat(out).catch(() => undefined)) throw new TesseraError('invalid-option', `convert: ${out} exists already; name a folder that does not`)
  const { tensors, config, tokenizer, tokenizerConfig } = await huggingFaceContent(checkpoint, { decode })
  const part = join(dirname(out), `.${basename(out)}.${randomUUID()}.part`)
  try {
    await mkdir(part, { recursive: true })
    const content = { tensors, metadata: { format: 'pt' } }
    const bytes = tensors.reduce((sum, { format, shape }) => sum + Number(storedBytes(storageFormat(format), shape)), 0)
    if (bytes <= shardBytes) await writeSafetensors(content, await fileSink(join(part, 'model.safetensors')), options)
    else await writeSafetensorsShards({ ...content, maxShardBytes: shardBytes }, (file) => fileSink(join(part, file)), options)
    for (const [file, fields] of [['config.json', config], ['tokenizer.json', tokenizer], ['tokenizer_config.json', tokenizerConfig]] as const) await writeFile(join(part, file), `${JSON.stringify(fields, null, 2)}\n`)
    await rename(part, out)
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    throw error
  }
  return tensors.length
}
