import { basename } from 'node:path'
import { type Checkpoint, writeGguf, type WriteOptions } from '@tessera-llm/formats'
import { fileSink } from '@tessera-llm/formats/node'
import { ggufContent, huggingFaceContent, huggingFaceJson } from '@tessera-llm/optimize'
import { writeFolder } from '@tessera-llm/optimize/node'
import { TesseraError } from '@tessera-llm/tensor'
import type { Argv } from 'yargs'
import { commonOptions, type ModelFiles, withFiles } from '../open/index.ts'
import { formatBytes, type Output } from '../terminal/index.ts'

export interface ConvertArguments {
  readonly model: string
  readonly out: string
  /** Whether blocks are written as f32 if the target has no blocks. */
  readonly decode: boolean
}

export function convertArguments(yargs: Argv) {
  return commonOptions(yargs)
    .positional('out', {
      type: 'string',
      demandOption: true,
      describe: 'a file that ends in .gguf, or a new folder',
    })
    .option('decode', {
      type: 'boolean',
      default: false,
      describe: 'write quantized weights with their exact values as f32 where the folder could not hold them',
    })
}

/**
 * `convert MODEL OUT`: a Hugging Face folder to a GGUF file, or a GGUF file to a folder. Existing output is replaced
 * only when the new one is complete.
 */
export async function convert(
  { model, out, decode }: ConvertArguments,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  await withFiles(model, output, signal, async (files) => {
    const progress = output.progress('writing')
    const options: WriteOptions = { signal, onProgress: (done, total) => progress.report(done, total) }
    let written: number
    try {
      written = files.folder
        ? await toGguf(files, out, options)
        : await toFolder(files.checkpoint, out, decode, options)
    } finally {
      progress.end()
    }
    output.text(`${out}: ${written} tensors, converted from ${formatBytes(files.checkpoint.byteLength)}\n`)
    output.result({ model, out, tensors: written })
  })
}

async function toGguf({ folder, checkpoint, name }: ModelFiles, out: string, options: WriteOptions): Promise<number> {
  if (!out.endsWith('.gguf'))
    throw new TesseraError(
      'invalid-option',
      `convert: a folder becomes a GGUF file, so that OUT must end in .gguf, not ${JSON.stringify(basename(out))}`,
    )
  const content = ggufContent({ ...(folder as NonNullable<ModelFiles['folder']>), checkpoint, name: basename(name) })
  await writeGguf(content, await fileSink(out), options)
  return content.tensors.length
}

async function toFolder(checkpoint: Checkpoint, out: string, decode: boolean, options: WriteOptions): Promise<number> {
  if (out.endsWith('.gguf'))
    throw new TesseraError('invalid-option', 'convert: a GGUF file becomes a folder; OUT must not end in .gguf')
  const content = await huggingFaceContent(checkpoint, { decode })
  await writeFolder(out, { tensors: content.tensors, json: huggingFaceJson(content) }, options)
  return content.tensors.length
}
