import {
  bufferSource,
  readSafetensors,
  safetensorsByteLength,
  type TensorData,
  writeSafetensors,
} from '@tessera-llm/formats'
import { codeWordsOf, type Grid, matrixOfWords, type QuantizedMatrix } from '@tessera-llm/quantization'
import { bytesOf, viewBytes } from '@tessera-llm/tensor'
import type { QuantizedWeight } from '../quantize/index.ts'

interface Kept {
  readonly notes: readonly string[]
  readonly shape: readonly [number, number]
  readonly format?: string
  readonly grid?: Omit<Grid, 'values'>
}

/** Serializes a result as one safetensors file. */
export async function serializeWeight({ weight, notes }: QuantizedWeight): Promise<Uint8Array> {
  const tensor = (
    name: string,
    format: string,
    data: Uint8Array | Uint32Array | Float32Array | Int32Array,
  ): TensorData => ({
    name,
    shape: [data.length],
    format,
    bytes: bytesOf(data),
  })
  if (weight.kind === 'blocks') {
    const kept: Kept = { notes, shape: weight.shape, format: weight.format }
    return fileOf(kept, [tensor('blocks', 'u8', weight.bytes)])
  }
  const { shape, grid, scales, zeros, groupOfColumn } = weight.matrix
  const kept: Kept = { notes, shape, grid }
  const words = codeWordsOf(weight.matrix)
  const codes = words ? tensor('words', 'i32', words) : tensor('codes', 'u8', weight.matrix.codes)
  const tensors = [codes, tensor('scales', 'f32', scales)]
  if (zeros) tensors.push(tensor('zeros', 'f32', zeros))
  if (groupOfColumn) tensors.push(tensor('groupOfColumn', 'i32', groupOfColumn))
  if (grid.kind === 'codebook') tensors.push(tensor('values', 'f32', grid.values))
  return fileOf(kept, tensors)
}

/** A safetensors file in one array, into which each tensor is copied once. */
async function fileOf(kept: Kept, tensors: readonly TensorData[]): Promise<Uint8Array> {
  const content = { metadata: { kept: JSON.stringify(kept) }, tensors }
  const file = new Uint8Array(safetensorsByteLength(content))
  let at = 0
  await writeSafetensors(content, {
    async write(bytes) {
      file.set(bytes, at)
      at += bytes.length
    },
    finish: async () => {},
    abort: async () => {},
  })
  return file
}

export async function deserializeWeight(bytes: Uint8Array): Promise<QuantizedWeight> {
  const checkpoint = await readSafetensors(bufferSource(bytes as Uint8Array<ArrayBuffer>))
  const { notes, shape, format, grid } = JSON.parse(checkpoint.metadata['kept'] as string) as Kept
  const read = async (name: string): Promise<Uint8Array> =>
    (await checkpoint.tensors.get(name)?.read()) ?? new Uint8Array()
  if (format !== undefined)
    return { notes, weight: { kind: 'blocks', format: format as never, shape, bytes: await read('blocks') } }
  const f32 = async (name: string): Promise<Float32Array> => viewBytes(await read(name), 'f32') as Float32Array
  const rest: Omit<QuantizedMatrix, 'codes'> = {
    shape,
    grid: (grid?.kind === 'codebook' ? { ...grid, values: await f32('values') } : grid) as Grid,
    scales: await f32('scales'),
    zeros: checkpoint.tensors.has('zeros') ? await f32('zeros') : undefined,
    groupOfColumn: checkpoint.tensors.has('groupOfColumn')
      ? (viewBytes(await read('groupOfColumn'), 'i32') as Int32Array)
      : undefined,
  }
  const matrix = checkpoint.tensors.has('words')
    ? matrixOfWords(rest, viewBytes(await read('words'), 'u32') as Uint32Array)
    : { ...rest, codes: await read('codes') }
  return { notes, weight: { kind: 'matrix', matrix } }
}
