import { randomUUID } from 'node:crypto'
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type GgufValue, type TensorData, writeGguf, type WriteOptions, writeSafetensors, writeSafetensorsShards } from '@tessera-llm/formats'
import { fileSink } from '@tessera-llm/formats/node'
import type { Fields } from '@tessera-llm/runtime'
import { isTesseraError, TesseraError } from '@tessera-llm/tensor'
import type { ModelFiles } from './files.ts'

/** What a changed model is to hold. */
export interface ModelContent {
  readonly tensors: readonly TensorData[]
  /** Of a GGUF file. */
  readonly metadata: ReadonlyMap<string, GgufValue> | undefined
  /** `config.json` of a folder. */
  readonly config: Fields | undefined
}

/**
 * Writes a model in the container of `files`: a GGUF file, which replaces what was there, or a new folder with the tokenizer's and
 * other small files of the old one. Nothing is seen at `out` before it is whole.
 *
 * @throws TesseraError `io`, or `invalid-option` where a folder is to be written over something
 */
export async function writeModel(files: ModelFiles, out: string, { tensors, metadata, config }: ModelContent, options: WriteOptions): Promise<void> {
  if (!files.folder) return writeGguf({ metadata: metadata ?? new Map(), tensors }, await fileSink(out), options)
  if ((await readdir(out).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? [] : [error.code]))).length > 0) {
    throw new TesseraError('invalid-option', `${out} is there already and not an empty folder; name a new one`)
  }
  const target = resolve(out)
  const temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.part`)
  try {
    await mkdir(temporary)
    await cp(files.folder.path, temporary, { recursive: true, dereference: true, filter: (path) => !weightFile.test(path) && !basename(path).startsWith('.git') })
    if (config) await writeFile(join(temporary, 'config.json'), `${JSON.stringify(config, null, 2)}\n`)
    // One file up to what the hub puts into one.
    if (files.checkpoint.byteLength <= 5e9) await writeSafetensors({ tensors, metadata: { format: 'pt' } }, await fileSink(join(temporary, 'model.safetensors')), options)
    else await writeSafetensorsShards({ tensors, metadata: { format: 'pt' } }, (file) => fileSink(join(temporary, file)), options)
    await rename(temporary, target)
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true })
    if (isTesseraError(cause)) throw cause
    throw new TesseraError('io', `${out} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** Weights in any form, which would still be the old ones. */
const weightFile = /\.(safetensors|safetensors\.index\.json|bin|bin\.index\.json|pt|pth|ot|h5|msgpack|onnx|onnx_data|gguf|tflite|mlmodel|part)$/
