import {
  type Checkpoint,
  type GgufCheckpoint,
  safetensorsByteLength,
  storageFormat,
  storedBytes,
} from '@tessera-llm/formats'
import type { Fields } from '@tessera-llm/runtime'
import type { Shape } from '@tessera-llm/tensor'
import type { Applied } from '../apply/index.ts'
import { bytesAs, isFloat8 } from '../plan/index.ts'
import type { IntegerFormat, Layout, Recipe, WeightFormat } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import type { ModelWeight } from '../weights/index.ts'
import { ggufModelBytes, plannedFolder, plannedParts } from '../write/index.ts'

/** Sizes of a file to be written, from formats alone. */
export interface FileSize {
  /** Formats that a weight may get if the recipe names none, from large to small. */
  readonly formats: readonly WeightFormat[]
  /** The only `layout` that a recipe may have. */
  readonly layout?: Layout | undefined
  /** Bytes of a weight in the file, padding included, or why it cannot be stored so. */
  weightBytes(shape: Shape, format: WeightFormat): number | string
  /** The same for a weight that no step changes. */
  keptBytes(weight: Pick<ModelWeight, 'shape' | 'format' | 'storedBytes'>): number
  /** Bytes of the whole file, metadata included. */
  fileBytes(planned: Pick<Applied, 'subject' | 'assignments'>, recipe: Recipe): number
}

/** Block types from 8 bits to 2.6; ternary ones are for models that were trained so. */
const ggufFormats: readonly WeightFormat[] = [
  'q8_0',
  'q6_k',
  'q5_1',
  'q5_k',
  'q5_0',
  'q4_1',
  'q4_k',
  'q4_0',
  'iq4_nl',
  'iq4_xs',
  'mxfp4',
  'q3_k',
  'q2_k',
]

/** The GGUF file that `writeGgufModel` makes of a checkpoint. */
export function ggufFileSize(original: Subject, checkpoint: GgufCheckpoint): FileSize {
  const padded = (bytes: number): number => Math.ceil(bytes / checkpoint.alignment) * checkpoint.alignment
  return {
    formats: ggufFormats,
    weightBytes(shape, format) {
      if (typeof format !== 'string') return 'GGUF has no type for integers in groups'
      const bytes = bytesAs(format, shape)
      return typeof bytes === 'string' ? bytes : padded(bytes)
    },
    keptBytes: (weight) => padded(weight.storedBytes),
    fileBytes: (planned) => ggufModelBytes(planned, original, checkpoint),
  }
}

/** Options of `folderSize`. */
export interface FolderSizeOptions {
  /** The parsed `config.json` of the original. */
  readonly config: Fields
  /** Bytes of the files beside weights and `config.json`: those of the tokenizer. */
  readonly otherBytes: number
}

/**
 * Integers of 3, 4 and 8 bits. Those of 2 lose more together than the sum of what each loses alone, by which formats
 * are chosen.
 */
const folderFormats: readonly IntegerFormat[] = [
  { bits: 8, group: 64, symmetric: true },
  ...([4, 3] as const).flatMap((bits) =>
    [32, 64, 192].flatMap((group): IntegerFormat[] => [
      { bits, group },
      { bits, group, symmetric: true },
    ]),
  ),
]

/**
 * Bytes of the header of a safetensors file for one tensor, beside its name, at most: a dtype, two axes, and offsets
 * below 10 GB.
 */
const entryBytes = 90

/**
 * The folder that `folderContent` gives the weights of, in the layout of compressed-tensors, which is the one of many
 * formats. One file of weights.
 */
export function folderSize(
  original: Subject,
  checkpoint: Checkpoint,
  { config, otherBytes }: FolderSizeOptions,
): FileSize {
  return {
    formats: folderFormats,
    layout: 'compressed-tensors',
    weightBytes(shape, format) {
      if (format === 'f16' || format === 'f32') return storedBytes(storageFormat(format), shape)
      if (typeof format === 'string' || ('codebook' in format && !isFloat8(format)))
        return 'layouts of folders hold integers in groups, and 8-bit floats'
      const { group } = format
      const columns = shape[1] ?? 0
      if (isFloat8(format) && typeof group === 'number') return '8-bit floats have one scale a row or a tensor'
      if (typeof group === 'number' && group < columns && columns % group !== 0)
        return `groups of ${group} columns do not divide ${columns}`
      return Object.entries(plannedParts(shape, format)).reduce(
        (sum, [part, stored]) =>
          sum + part.length + entryBytes + Number(storedBytes(storageFormat(stored.format), stored.shape)),
        0,
      )
    },
    keptBytes: ({ shape, format, storedBytes: bytes }) =>
      storageFormat(format).safetensorsDtype === undefined ? Number(storedBytes(storageFormat('f32'), shape)) : bytes,
    fileBytes(planned, { activations }) {
      const { tensors, config: written } = plannedFolder(planned, original, checkpoint, { config, activations })
      return safetensorsByteLength({ tensors, metadata: { format: 'pt' } }) + jsonBytes(written) + otherBytes
    },
  }
}

/** Bytes of a JSON file of a folder, as `tessera` writes it. */
export function jsonBytes(value: Fields | readonly unknown[]): number {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`).length
}
