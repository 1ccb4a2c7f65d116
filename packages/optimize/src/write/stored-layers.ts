import {
  awqConfig,
  type CompressedFormat,
  compressedTensorsConfig,
  type Grid,
  gptqConfig,
  type IntegerGrid,
  type QuantizedMatrix,
  type StoredParts,
  writeAwq,
  writeCompressed,
  writeGptq,
} from '@tessera-llm/quantization'
import type { Fields } from '@tessera-llm/runtime'
import type { Shape } from '@tessera-llm/tensor'
import { canonicalName, weightClass } from '../names/index.ts'
import type { CodebookFormat, IntegerFormat, Layout, Recipe } from '../recipe/index.ts'

/** Storage of a folder's linear layers, by their names without `.weight`. */
export interface StoredLayers {
  readonly quantized: Map<string, Grid>
  readonly dense: string[]
  /** Whether some columns are grouped in another order than the stored one. */
  hasColumnGroups: boolean
  /** Rounding of the layers' inputs. */
  readonly activations: Recipe['activations']
}

/** The stored tensors of one weight. */
export function storedParts(matrix: QuantizedMatrix, layout: Layout): StoredParts {
  if (layout === 'gptq') return writeGptq(matrix, gptqVersion(matrix.grid as IntegerGrid))
  if (layout === 'awq') return writeAwq(matrix)
  return writeCompressed(matrix, compressedFormat(matrix.grid))
}

/**
 * The parts of a planned weight in the layout of compressed-tensors: shapes that `storedParts` will return for 8-bit
 * floats, and for integers whose columns are grouped in stored order.
 */
export function plannedParts(
  [rows = 0, columns = 0]: Shape,
  format: IntegerFormat | CodebookFormat,
): Readonly<Record<string, { readonly format: string; readonly shape: Shape }>> {
  if ('codebook' in format)
    return {
      weight_scale: { format: 'f32', shape: format.group === 'tensor' ? [1] : [rows, 1] },
      weight: { format: format.codebook, shape: [rows, columns] },
    }
  const { bits, group, symmetric = false } = format
  const groups = group === 'row' ? 1 : Math.ceil(columns / group)
  const words = (count: number): number => Math.ceil((count * bits) / 32)
  const isPacked = bits !== 8
  return {
    weight_scale: { format: 'f16', shape: [rows, groups] },
    ...(symmetric
      ? {}
      : {
          weight_zero_point: isPacked
            ? { format: 'i32', shape: [words(rows), groups] }
            : { format: 'i8', shape: [rows, groups] },
        }),
    ...(isPacked
      ? { weight_packed: { format: 'i32', shape: [rows, words(columns)] }, weight_shape: { format: 'i64', shape: [2] } }
      : { weight: { format: 'i8', shape: [rows, columns] } }),
  }
}

/**
 * `quantization_config` of `config.json`. Lists layers that stay dense, because programs assume that all others are
 * quantized.
 */
export function quantizationConfig(layout: Layout, layers: StoredLayers): Fields {
  const { quantized, dense, hasColumnGroups } = layers
  const [grid] = quantized.values()
  if (layout === 'compressed-tensors') return compressedConfig(layers)
  if (layout === 'awq')
    return { ...awqConfig(grid as IntegerGrid), modules_to_not_convert: dense.length > 0 ? dense : null }
  // GPTQModel's syntax for excluding modules; the head is excluded unless it is named.
  const left = dense.filter((name) => name !== 'lm_head').map((name) => [`-:^${name.replaceAll('.', '\\.')}$`, {}])
  return {
    ...gptqConfig(grid as IntegerGrid, gptqVersion(grid as IntegerGrid), { hasColumnGroups }),
    lm_head: quantized.has('lm_head'),
    ...(left.length > 0 ? { dynamic: Object.fromEntries(left) } : {}),
  }
}

/** Version 1, which more programs read, cannot hold a zero of 0. */
function gptqVersion({ isSymmetric }: IntegerGrid): 1 | 2 {
  return isSymmetric ? 1 : 2
}

function compressedFormat(grid: Grid): CompressedFormat {
  if (grid.kind === 'codebook') return 'float-quantized'
  return grid.bits === 8 ? 'int-quantized' : 'pack-quantized'
}

function isEmbedding(layer: string): boolean {
  return weightClass(canonicalName(`${layer}.weight`)) === 'embedding'
}

/**
 * One entry of `config_groups` for each grid. A single grid that no embedding uses applies to all linear layers that
 * are not ignored.
 */
function compressedConfig({ quantized, dense, hasColumnGroups, activations }: StoredLayers): Fields {
  const inputs = activations === 'f32' || activations === 'int8' ? undefined : activations
  const byGrid = new Map<string, { readonly grid: Grid; readonly names: string[] }>()
  for (const [name, grid] of quantized) {
    const key = JSON.stringify(grid)
    const known = byGrid.get(key) ?? { grid, names: [] }
    known.names.push(name)
    byGrid.set(key, known)
  }
  const groups = [...byGrid.values()].map(({ grid, names }) => {
    const format = compressedFormat(grid)
    const config = compressedTensorsConfig(grid, format, { ignore: dense, hasColumnGroups, activations: inputs })
    const { group_0: group } = config['config_groups'] as { readonly group_0: Fields }
    return {
      config,
      group: { ...group, targets: byGrid.size === 1 && !names.some(isEmbedding) ? ['Linear'] : names, format },
    }
  })
  return {
    ...groups[0]?.config,
    ...(new Set(groups.map(({ group }) => group.format)).size > 1 ? { format: 'mixed-precision' } : {}),
    config_groups: Object.fromEntries(groups.map(({ group }, index) => [`group_${index}`, group])),
  }
}
