import {
  type ByteSink,
  ggufByteLength,
  type GgufCheckpoint,
  type GgufContent,
  type GgufValue,
  type TensorData,
  writeGguf,
  type WriteOptions,
} from '@tessera-llm/formats'
import { ggufTransform } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import type { Applied } from '../apply/index.ts'
import { mixRules } from '../mix/index.ts'
import { formatLabel } from '../plan/index.ts'
import type { WeightFormat } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import type { ModelWeight } from '../weights/index.ts'
import { keptWeight } from './kept-weight.ts'

type Planned = Pick<Applied, 'subject' | 'assignments' | 'weight'>

/**
 * `general.file_type` of llama.cpp by the type of most weights; informative only, because loaders use each tensor's
 * type.
 */
const fileTypes: Readonly<Record<string, number>> = {
  f32: 0,
  f16: 1,
  q4_0: 2,
  q4_1: 3,
  q8_0: 7,
  q5_0: 8,
  q5_1: 9,
  q2_k: 10,
  q3_k: 12,
  q4_k: 14,
  q5_k: 16,
  q6_k: 18,
  iq4_nl: 25,
  iq4_xs: 30,
  tq1_0: 36,
  tq2_0: 37,
  mxfp4: 38,
}

/**
 * Writes the compressed model as a GGUF file: unquantized weights are copied, or, if a step changed them, stored as f16
 * (vectors as f32). If the recipe transformed the inputs of `down`, the metadata state it, and those weights have names
 * that other programs do not find. The file appears when it is complete.
 *
 * @throws TesseraError `unsupported` for integers in groups, for which GGUF has no type, and for static activations
 */
export async function writeGgufModel(
  applied: Applied,
  original: Subject,
  checkpoint: GgufCheckpoint,
  sink: ByteSink,
  options: WriteOptions = {},
): Promise<void> {
  let content: GgufContent
  try {
    if (applied.inputScales.size > 0) throw noStaticActivations()
    content = ggufContent(applied, original, checkpoint)
  } catch (error) {
    await sink.abort()
    throw error
  }
  await writeGguf(content, sink, options)
}

/**
 * Exact size in bytes of the file that `writeGgufModel` will write, before anything is computed.
 *
 * @throws TesseraError `unsupported` for integers in groups, for which GGUF has no type
 */
export function ggufModelBytes(
  planned: Pick<Applied, 'subject' | 'assignments'>,
  original: Subject,
  checkpoint: GgufCheckpoint,
): number {
  const weight: Applied['weight'] = async (name) => {
    throw new TesseraError('invalid-value', `optimize: ${name} is only planned`)
  }
  return ggufByteLength(ggufContent({ ...planned, weight }, original, checkpoint))
}

function ggufContent(applied: Planned, original: Subject, checkpoint: GgufCheckpoint): GgufContent {
  const metadata = new Map<string, GgufValue>(checkpoint.typedMetadata)
  const fileType = commonFileType(applied)
  if (fileType !== undefined) metadata.set('general.file_type', { type: 'u32', value: fileType })
  metadata.set('general.quantization_version', { type: 'u32', value: 2 })
  const { downHadamard } = applied.subject.config
  if (downHadamard !== undefined) metadata.set(...ggufTransform(downHadamard))
  const tensors = [...applied.subject.weights.values()].map((weight): TensorData => {
    const step = applied.assignments.get(weight.name)
    if (step) return compressed(applied, weight, ggufFormat(weight.name, step.format))
    return keptWeight(weight, original, checkpoint)
  })
  return { metadata, tensors }
}

function compressed({ weight: result }: Planned, { name, storedName, shape }: ModelWeight, format: string): TensorData {
  const bytes = async (): Promise<Uint8Array> => {
    const { weight } = await result(name)
    if (weight.kind !== 'blocks')
      throw new TesseraError(
        'unsupported',
        `optimize: ${name} was rounded to integers in groups, for which GGUF has no type`,
      )
    return weight.bytes
  }
  return { name: storedName, shape, format, bytes }
}

/** The ggml type of a weight; throws `unsupported` if GGUF has none. */
export function ggufFormat(name: string, format: WeightFormat): string {
  const label = formatLabel(format)
  if (fileTypes[label] !== undefined) return label
  throw new TesseraError(
    'unsupported',
    `optimize: ${name} is to become ${label}, for which GGUF has no type; use a ggml type such as q4_0, or write a folder`,
  )
}

/** GGUF files cannot hold scales of inputs; programs that read them round dynamically. */
export function noStaticActivations(): TesseraError {
  return new TesseraError(
    'unsupported',
    'optimize: GGUF has no place for the scales of static activations, and what reads it rounds inputs dynamically; write a folder, or use the activations int8-token',
  )
}

/** File type of most weights: that of their mix, or of their own format. */
function commonFileType({ assignments }: Planned): number | undefined {
  const counts = new Map<number | undefined, number>()
  for (const step of assignments.values()) {
    const type = 'mix' in step ? mixRules[step.mix].fileType : fileTypes[formatLabel(step.format)]
    counts.set(type, (counts.get(type) ?? 0) + 1)
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0]
}
