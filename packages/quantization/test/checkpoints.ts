import { readFileSync } from 'node:fs'
import { bufferSink, bufferSource, readSafetensors, type TensorData, writeSafetensors } from '@tessera-llm/formats'
import { createRandom, decodeElements, type DType, type Shape, sizeOf, viewBytes } from '@tessera-llm/tensor'
import { expect } from 'vitest'
import {
  ggmlFormat,
  type Grid,
  type IntegerGrid,
  quantizedCheckpoint,
  type QuantizedMatrix,
  rtn,
  type StoredParts,
} from '../src/index.ts'

const folder = new URL('./golden/', import.meta.url)
const golden = await readSafetensors(bufferSource(readFileSync(new URL('checkpoints.safetensors', folder))))
/** Checkpoints that other programs wrote, each with its configuration. */
export const cases: readonly { readonly case: string; readonly config: Record<string, unknown> }[] = JSON.parse(
  readFileSync(new URL('checkpoints.json', folder), 'utf8'),
).cases

/** A checkpoint of one layer, and another tensor beside it. */
export async function checkpointOf(
  parts: Readonly<Record<string, { readonly format: string; readonly shape: Shape; readonly bytes: Uint8Array }>>,
): Promise<Awaited<ReturnType<typeof readSafetensors>>> {
  const tensors: TensorData[] = Object.entries(parts).map(([name, { format, shape, bytes }]) => ({
    name: `model.layers.0.mlp.up_proj.${name}`,
    format,
    shape,
    bytes,
  }))
  const sink = bufferSink()
  await writeSafetensors(
    { tensors: [...tensors, { name: 'model.norm.weight', format: 'f32', shape: [2], bytes: new Uint8Array(8) }] },
    sink,
  )
  return readSafetensors(bufferSource(sink.bytes()))
}

export async function goldenParts(
  name: string,
): Promise<{ readonly parts: StoredParts; readonly values: Float32Array; readonly shape: Shape }> {
  const parts: Record<string, StoredParts[string]> = {}
  for (const stored of golden.tensors.values()) {
    const [owner, part = ''] = stored.name.split('/')
    if (owner === name)
      parts[part] = { format: stored.format, shape: stored.shape, bytes: (await stored.read()).slice() }
  }
  const { values, ...rest } = parts
  if (!values) throw new Error(`${name} is not in the golden file`)
  return { parts: rest, values: viewBytes(values.bytes, 'f32') as Float32Array, shape: values.shape }
}

const weightName = 'model.layers.0.mlp.up_proj.weight'

/** The values of a tensor as a loader would see them. */
export async function valuesOf(
  parts: StoredParts,
  config: unknown,
): Promise<{ readonly format: string; readonly values: Float32Array; readonly matrix: QuantizedMatrix }> {
  const checkpoint = await quantizedCheckpoint(await checkpointOf(parts), config)
  expect([...checkpoint.tensors.keys()].sort()).toEqual([weightName, 'model.norm.weight'])
  const stored = checkpoint.tensors.get(weightName)
  if (!stored) throw new Error('no weight')
  const bytes = await stored.read()
  expect(bytes.byteLength).toBe(stored.byteLength)
  const values =
    stored.format === 'f32'
      ? decodeElements(viewBytes(bytes, 'f32' satisfies DType), 'f32', sizeOf(stored.shape))
      : ggmlFormat(stored.format).decode({ blocks: bytes }, stored.shape)
  return {
    format: stored.format,
    values: Float32Array.from(values),
    matrix: await (checkpoint.matrix(weightName) as Promise<QuantizedMatrix>),
  }
}

const random = createRandom(3)
export const matrixOf = (grid: Grid, rows = 32, columns = 96): QuantizedMatrix =>
  rtn({ values: Float32Array.from({ length: rows * columns }, () => random.normal()), shape: [rows, columns] }, grid, {
    scale: 'range',
  })
export const integers = (
  bits: IntegerGrid['bits'],
  isSymmetric: boolean,
  group: IntegerGrid['group'] = 32,
): IntegerGrid => ({
  kind: 'integer',
  bits,
  group,
  isSymmetric,
  scaleType: 'f16',
})
