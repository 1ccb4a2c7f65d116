import type { Checkpoint } from '@tessera-llm/formats'
import type { Grid, QuantizedCheckpoint, QuantizedStorage } from '@tessera-llm/quantization'
import { checkMemory, type EncoderConfig, type MemoryPlan, type ModelConfig } from '@tessera-llm/runtime'
import { type Device, isTesseraError } from '@tessera-llm/tensor'
import type { Argv } from 'yargs'
import {
  availableMemory,
  configOf,
  contextFor,
  describePlan,
  encoderConfigOf,
  kindOf,
  type ModelArguments,
  type ModelFiles,
  placeOptions,
  planFor,
  usualContext,
  withFiles,
} from '../open/index.ts'
import { formatBytes, type Output } from '../terminal/index.ts'

export interface InspectArguments extends Pick<ModelArguments, 'model' | 'device' | 'context' | 'cache'> {
  readonly tensors: boolean
}

export function inspectArguments(yargs: Argv) {
  return placeOptions(yargs).option('tensors', { type: 'boolean', default: false, describe: 'list every tensor' })
}

/** `inspect MODEL`: contents of the files and the memory that the model needs, from the headers only. */
export async function inspect(args: InspectArguments, output: Output, signal: AbortSignal): Promise<void> {
  await withFiles(args.model, output, signal, async (files) => {
    const { checkpoint } = files
    const { tensors, formats, parameters } = contentsOf(checkpoint, kindOf(args.device))
    output.text(
      `${args.model}: ${checkpoint.container}, ${tensors.length} tensors, ${parameters} parameters, ${formatBytes(checkpoint.byteLength)}\n`,
    )
    const width = Math.max(8, ...Object.keys(formats).map(({ length }) => length))
    for (const [format, { tensors: count, bytes, layout, loadedAs }] of Object.entries(formats)) {
      output.text(
        `  ${format.padEnd(width)} ${String(count).padStart(5)} tensors  ${formatBytes(bytes)}${layout === undefined ? '' : `, ${layout} layout, loaded as ${loadedAs?.join(' and ')}`}\n`,
      )
    }
    const inputScales = tensors.filter(({ name }) => name.endsWith('.input_scale')).length
    if (inputScales > 0)
      output.text(`  inputs of ${inputScales} layers have static scales: --activations int8-static rounds by them\n`)
    const encoder = encoderConfigOf(files)
    const { config, memory, error }: Forecast = encoder ? { config: encoder } : forecast(files, args)
    if (config) output.text(summary(config))
    if (encoder) output.text('  an encoder: tessera embed turns texts into vectors\n')
    if (memory) output.text(`  ${describePlan(memory)}\n`)
    if (error !== undefined) output.text(`  cannot be run: ${error}\n`)
    if (args.tensors)
      for (const { name, shape, format, bytes } of tensors)
        output.text(`${name}\t${format}\t[${shape.join(', ')}]\t${bytes}\n`)
    output.result({
      container: checkpoint.container,
      bytes: checkpoint.byteLength,
      parameters,
      formats,
      ...(inputScales > 0 ? { inputScales } : {}),
      config,
      encoder: encoder ? true : undefined,
      memory,
      error,
      ...(args.tensors ? { tensors } : {}),
    })
  })
}

interface ListedTensor {
  readonly name: string
  readonly shape: readonly number[]
  /** Format id in the file. */
  readonly format: string
  readonly bytes: number
  /** Layout of weights of GPTQ, AWQ and compressed-tensors; `loadedAs` is the format that devices get them in. */
  readonly layout?: string
  readonly loadedAs?: string
}

interface Contents {
  readonly tensors: readonly ListedTensor[]
  readonly formats: Readonly<
    Record<
      string,
      {
        readonly tensors: number
        readonly bytes: number
        readonly layout?: string
        readonly loadedAs?: readonly string[]
      }
    >
  >
  readonly parameters: number
}

function contentsOf(checkpoint: Checkpoint, device: Device['kind']): Contents {
  const storage =
    'storage' in checkpoint ? (checkpoint as QuantizedCheckpoint).storage : new Map<string, QuantizedStorage>()
  const tensors = [...checkpoint.tensors.values()].map(({ name, shape, format, byteLength, codes }): ListedTensor => {
    const stored = storage.get(name)
    return stored
      ? {
          name,
          shape,
          format: labelOf(stored),
          bytes: stored.byteLength,
          layout: stored.layout,
          loadedAs: codes?.formatFor(device)?.id ?? format,
        }
      : { name, shape, format, bytes: byteLength }
  })
  const formats: Record<string, { tensors: number; bytes: number; layout?: string; loadedAs?: string[] }> = {}
  for (const { format, bytes, layout, loadedAs } of tensors) {
    const entry = (formats[format] ??= {
      tensors: 0,
      bytes: 0,
      ...(layout === undefined ? {} : { layout, loadedAs: [] }),
    })
    entry.tensors += 1
    entry.bytes += bytes
    if (loadedAs !== undefined && !entry.loadedAs?.includes(loadedAs)) entry.loadedAs?.push(loadedAs)
  }
  return {
    tensors,
    formats,
    parameters: tensors.reduce((sum, { shape }) => sum + shape.reduce((product, length) => product * length, 1), 0),
  }
}

/** `int4 of 64`, `int8 symmetric a row`, `fp8_e4m3 a tensor`. */
function labelOf({ grid, hasColumnGroups }: QuantizedStorage): string {
  const codes = grid.kind === 'integer' ? `int${grid.bits}${grid.isSymmetric ? ' symmetric' : ''}` : grid.id
  return `${codes} ${widthOf(grid)}${hasColumnGroups ? ' by act-order' : ''}`
}

function widthOf({ group }: Grid): string {
  return typeof group === 'number' ? `of ${group}` : `a ${group}`
}

interface Forecast {
  readonly config?: ModelConfig | EncoderConfig
  readonly memory?: MemoryPlan
  /** Reason why the model cannot run here, with the remedy. */
  readonly error?: string
}

/** Memory that loading needs. A model that cannot run is still listed, with the reason in `error`. */
function forecast(files: ModelFiles, args: InspectArguments): Forecast {
  let known: Forecast = {}
  try {
    const config = configOf(files)
    known = { config }
    const memory = planFor(
      files,
      args,
      contextFor(files, args, {
        what: 'a conversation',
        least: 1,
        wanted: usualContext(files),
        remedy: 'use another model',
      }),
    )
    known = { config, memory }
    checkMemory(memory, availableMemory(args.device))
    return known
  } catch (error) {
    if (!isTesseraError(error) || error.code === 'invalid-option') throw error
    return { ...known, error: error.message }
  }
}

function summary({
  architecture,
  numLayers,
  hiddenSize,
  numHeads,
  numKvHeads,
  headDim,
  intermediateSize,
  vocabSize,
  contextLength,
  downHadamard,
  windows = [],
}: ModelConfig | EncoderConfig): string {
  const local = windows.filter((window) => window !== undefined)
  const reach = local.length === 0 ? '' : `, a window of ${local[0]} in ${local.length} of them`
  const rotation =
    downHadamard === undefined
      ? ''
      : `  inputs of every down are multiplied by Hadamard matrices of the order ${downHadamard} when it runs: its weights were too, for activations of 4 bits\n`
  return `  ${architecture}: ${numLayers} layers${reach}, width ${hiddenSize}, ${numHeads} query and ${numKvHeads} KV heads of ${headDim}, MLP ${intermediateSize}, vocabulary ${vocabSize}, context ${contextLength}\n${rotation}`
}
