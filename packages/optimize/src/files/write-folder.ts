import { randomUUID } from 'node:crypto'
import { cp, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import {
  storageFormat,
  storedBytes,
  type TensorData,
  type WriteOptions,
  writeSafetensors,
  writeSafetensorsShards,
} from '@tessera-llm/formats'
import { fileSink } from '@tessera-llm/formats/node'
import type { Fields } from '@tessera-llm/runtime'
import { isTesseraError, TesseraError } from '@tessera-llm/tensor'

/** Content of a model's folder. */
export interface FolderFiles {
  readonly tensors: readonly TensorData[]
  /** JSON files by path: `config.json`, or in a subfolder, `1_Pooling/config.json`. */
  readonly json: Readonly<Record<string, Fields | readonly unknown[]>>
  /** A folder whose other files, except weights, are copied. */
  readonly from?: string | undefined
}

/** Options of `writeFolder`. */
export interface WriteFolderOptions extends WriteOptions {
  /** Replaces an existing folder. Default false. */
  readonly replace?: boolean | undefined
}

/** Larger models are split into files of this size, as on the hub. */
const shardBytes = 5e9

/**
 * Writes a model's folder. The files are written into a temporary folder beside it, which is renamed when it is
 * complete.
 *
 * @throws TesseraError `io`, or `invalid-option` if the target exists and `replace` is not set
 */
export async function writeFolder(
  out: string,
  { tensors, json, from }: FolderFiles,
  { replace = false, ...options }: WriteFolderOptions,
): Promise<void> {
  if (from !== undefined) refuseInside(from, out)
  if (!replace) await refuseUnlessFree(out)
  const target = resolve(out)
  const beside = (kind: string): string => join(dirname(target), `.${basename(target)}.${randomUUID()}.${kind}`)
  const temporary = beside('part')
  try {
    await mkdir(temporary)
    if (from !== undefined)
      await cp(from, temporary, {
        recursive: true,
        dereference: true,
        filter: (path) => path === from || goesAlong(path),
      })
    const content = { tensors, metadata: { format: 'pt' } }
    const bytes = tensors.reduce((sum, { format, shape }) => sum + Number(storedBytes(storageFormat(format), shape)), 0)
    if (bytes <= shardBytes)
      await writeSafetensors(content, await fileSink(join(temporary, 'model.safetensors')), options)
    else
      await writeSafetensorsShards(
        { ...content, maxShardBytes: shardBytes },
        (file) => fileSink(join(temporary, file)),
        options,
      )
    for (const [file, value] of Object.entries(json)) {
      await mkdir(dirname(join(temporary, file)), { recursive: true })
      await writeFile(join(temporary, file), `${JSON.stringify(value, null, 2)}\n`)
    }
    await takeName(temporary, target, beside('old'))
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true })
    if (isTesseraError(cause)) throw cause
    throw new TesseraError(
      'io',
      `${out} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    )
  }
}

function goesAlong(path: string): boolean {
  return !(weightFile.test(path) || basename(path).startsWith('.'))
}

/** Bytes of the files that are copied from another folder; `config.json` is written anew. */
export async function copiedBytes(from: string): Promise<number> {
  const entries = await readdir(from, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => !entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name))
  const copied = paths.filter(
    (path) => relative(from, path).split(sep).every(goesAlong) && path !== join(from, 'config.json'),
  )
  const sizes = await Promise.all(copied.map(async (path) => (await stat(path)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Throws `invalid-option` if the output is the input or lies in it. */
export function refuseInside(input: string, out: string): void {
  if (`${resolve(out)}${sep}`.startsWith(`${resolve(input)}${sep}`))
    throw new TesseraError('invalid-option', `${out} is the input, or lies in it; name another place`)
}

/** Throws `invalid-option` if the target exists, unless it is an empty folder. */
export async function refuseUnlessFree(out: string): Promise<void> {
  const entries = await readdir(out).catch((error: NodeJS.ErrnoException) =>
    error.code === 'ENOENT' ? [] : [error.code],
  )
  if (entries.length > 0)
    throw new TesseraError('invalid-option', `${out} is there already and not an empty folder; name a new one`)
}

/**
 * Renames the temporary folder to its target. A folder that is not empty cannot be renamed over, so the old one is
 * moved aside first.
 */
async function takeName(temporary: string, target: string, aside: string): Promise<void> {
  try {
    await rename(temporary, target)
    return
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
  await rename(target, aside)
  try {
    await rename(temporary, target)
  } catch (error) {
    await rename(aside, target)
    throw error
  }
  await rm(aside, { recursive: true, force: true })
}

/** Weights in any format, which would be outdated, and files of other programs beside quantized weights. */
const weightFile =
  /\.(safetensors|safetensors\.index\.json|bin|bin\.index\.json|pt|pth|ot|h5|msgpack|onnx|onnx_data|gguf|tflite|mlmodel|part)$|[/\\]quant(ize)?_config\.json$/
