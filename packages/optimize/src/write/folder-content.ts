import type { Checkpoint, TensorData } from '@tessera-llm/formats'
import { type QuantizedMatrix, scaleCount, type StoredParts } from '@tessera-llm/quantization'
import type { Fields } from '@tessera-llm/runtime'
import { bytesOf as bytesIn, TesseraError } from '@tessera-llm/tensor'
import type { Applied } from '../apply/index.ts'
import { weightClass } from '../names/index.ts'
import { formatLabel } from '../plan/index.ts'
import { gridOf } from '../quantize/index.ts'
import type { CodebookFormat, IntegerFormat, Layout, Recipe } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import { withTransform } from '../transform/index.ts'
import type { ModelWeight } from '../weights/index.ts'
import { keptWeight } from './kept-weight.ts'
import { chooseLayout, refuseMixedTypes } from './layout.ts'
import { plannedParts, quantizationConfig, storedParts, type StoredLayers } from './stored-layers.ts'

/** Options of `folderContent`. */
export interface FolderOptions {
  /** The parsed `config.json` of the original. */
  readonly config: Fields
  /** Default: the result of `chooseLayout`. */
  readonly layout?: Layout | undefined
  /** Activations of the recipe; folders of compressed-tensors state those that the layout can express. */
  readonly activations?: Recipe['activations'] | undefined
}

/** The weights of a folder and its `config.json`. */
export interface FolderContent {
  readonly tensors: readonly TensorData[]
  readonly config: Fields
  /** Undefined if no weight became integers. */
  readonly layout: Layout | undefined
}

/**
 * Content of a Hugging Face folder of the compressed model: integers or 8-bit floats in a layout that other programs
 * read, all other weights unchanged, or, if a step changed them, as f16 (vectors as f32). Memory holds one weight at a
 * time.
 *
 * @param checkpoint of the original, safetensors
 * @throws TesseraError `unsupported` for contents that the layout cannot hold; static activations need
 *   compressed-tensors
 */
export async function folderContent(
  applied: Applied,
  original: Subject,
  checkpoint: Checkpoint,
  { config, layout: wish, activations }: FolderOptions,
): Promise<FolderContent> {
  const { subject, assignments, inputScales } = applied
  refuseMixedTypes(assignments, activations)
  const layout = chooseLayout(subject, assignments, wish)
  if (inputScales.size > 0 && layout !== 'compressed-tensors')
    throw new TesseraError(
      'unsupported',
      `optimize: the layout ${layout} has no place for the scales of static activations; use compressed-tensors, or the activations int8-token`,
    )
  // The parts of the last weight only: those of all weights together may exceed memory.
  let last: { readonly name: string; readonly parts: Promise<StoredParts> } | undefined
  const partsOf = (name: string): Promise<StoredParts> => {
    if (last?.name !== name)
      last = { name, parts: matrixOf(applied, name).then((matrix) => storedParts(matrix, layout as Layout)) }
    return last.parts
  }
  const tensors: TensorData[] = []
  const layers: StoredLayers = { quantized: new Map(), dense: [], hasColumnGroups: false, activations }
  for (const weight of subject.weights.values()) {
    const { name, storedName, shape } = weight
    const format = assignments.get(name)?.format
    const layer = storedName.replace(/\.weight$/, '')
    if (format === undefined || typeof format === 'string') {
      if (isLinear(weight)) layers.dense.push(layer)
      tensors.push(
        format === undefined
          ? keptWeight(weight, original, checkpoint)
          : { name: storedName, shape, format, bytes: () => bytesOf(applied, name) },
      )
      continue
    }
    // Of what was rounded to nearest the plan tells all but the values.
    const matrix =
      assignments.get(name)?.method === 'rtn'
        ? plannedMatrix(shape as readonly [number, number], format)
        : await matrixOf(applied, name)
    layers.quantized.set(layer, matrix.grid)
    layers.hasColumnGroups ||= matrix.groupOfColumn !== undefined
    for (const [part, stored] of Object.entries(storedParts(matrix, layout as Layout))) {
      tensors.push({
        name: `${layer}.${part}`,
        format: stored.format,
        shape: stored.shape,
        bytes: async () => (await partsOf(name))[part]?.bytes as Uint8Array,
      })
    }
    const inputScale = inputScales.get(name)
    if (inputScale !== undefined)
      tensors.push({ ...inputScaleTensor(layer), bytes: bytesIn(Float32Array.of(inputScale)) })
  }
  return { tensors, layout, config: folderConfig(subject, layers, layout, config) }
}

/** What rounding to nearest will give but for the values: no codes, and zeros that every layout holds. */
function plannedMatrix(shape: readonly [number, number], format: IntegerFormat | CodebookFormat): QuantizedMatrix {
  const grid = gridOf(format)
  const scales = new Float32Array(scaleCount(grid, shape))
  const zeros =
    grid.kind === 'integer' && !grid.isSymmetric
      ? new Float32Array(scales.length).fill(2 ** (grid.bits - 1))
      : undefined
  return { shape, grid, codes: new Uint8Array(), scales, zeros }
}

/** `config.json` of the compressed model. */
function folderConfig(
  subject: Subject,
  layers: StoredLayers,
  layout: Layout | undefined,
  { quantization_config: _, ...rest }: Fields,
): Fields {
  const tiedHead = 'tiedHead' in subject.config ? subject.config.tiedHead : undefined
  if (tiedHead) layers.dense.push('lm_head')
  const quantization = withTransform(layout && quantizationConfig(layout, layers), subject.config)
  return {
    ...rest,
    ...(tiedHead === undefined ? {} : { tie_word_embeddings: tiedHead }),
    ...(quantization ? { quantization_config: quantization } : {}),
  }
}

/**
 * The planned content in the layout of compressed-tensors: tensors without data, to count their bytes.
 *
 * @throws TesseraError `unsupported` for contents that the layout cannot hold
 */
export function plannedFolder(
  { subject, assignments }: Pick<Applied, 'subject' | 'assignments'>,
  original: Subject,
  checkpoint: Checkpoint,
  { config, activations }: Omit<FolderOptions, 'layout'>,
): Omit<FolderContent, 'layout'> {
  const layout = chooseLayout(subject, assignments, 'compressed-tensors')
  const layers: StoredLayers = { quantized: new Map(), dense: [], hasColumnGroups: false, activations }
  const tensors = [...subject.weights.values()].flatMap((weight): TensorData[] => {
    const { name, storedName, shape } = weight
    const format = assignments.get(name)?.format
    const layer = storedName.replace(/\.weight$/, '')
    if (format === undefined || typeof format === 'string') {
      if (isLinear(weight)) layers.dense.push(layer)
      return [
        format === undefined
          ? keptWeight(weight, original, checkpoint)
          : { name: storedName, shape, format: formatLabel(format), bytes: noData },
      ]
    }
    layers.quantized.set(layer, gridOf(format))
    const parts = Object.entries(plannedParts(shape, format)).map(([part, stored]) => ({
      name: `${layer}.${part}`,
      ...stored,
      bytes: noData,
    }))
    return activations === 'int8-static' && weightClass(name) !== 'embedding'
      ? [...parts, { ...inputScaleTensor(layer), bytes: noData }]
      : parts
  })
  return { tensors, config: folderConfig(subject, layers, layout, config) }
}

/** The scale of a layer's input, in the form of compressed-tensors. */
function inputScaleTensor(layer: string): Pick<TensorData, 'name' | 'format' | 'shape'> {
  return { name: `${layer}.input_scale`, format: 'f32', shape: [1] }
}

function noData(): never {
  throw new TesseraError('invalid-value', 'optimize: a model that is only planned has no weights')
}

/** Whether other programs treat a weight as a linear layer: those must be quantized or listed as dense. */
function isLinear({ name, storedName, shape }: ModelWeight): boolean {
  return shape.length === 2 && weightClass(name) !== 'embedding' && !/\bembeddings\b/.test(storedName)
}

async function matrixOf({ weight }: Applied, name: string): Promise<QuantizedMatrix> {
  const { weight: result } = await weight(name)
  if (result.kind === 'matrix') return result.matrix
  throw new TesseraError('unsupported', `optimize: ${name} became ${result.format}, which a folder cannot hold`)
}

async function bytesOf({ weight }: Applied, name: string): Promise<Uint8Array> {
  const { weight: result } = await weight(name)
  if (result.kind === 'blocks') return result.bytes
  throw new TesseraError('unsupported', `optimize: ${name} became integers, where floats were asked for`)
}
