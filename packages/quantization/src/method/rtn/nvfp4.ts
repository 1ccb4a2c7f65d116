import { decodeFp8E4M3, encodeFp8E4M3 } from '@tessera-llm/tensor'
import { codebookGrid, groupsPerRow, type QuantizedMatrix } from '../../quantized-matrix/index.ts'
import { checkWeight, type WeightMatrix } from '../matrix/index.ts'
import { createGroupScale } from '../scale/index.ts'

/** Result of `nvfp4`: value = table[code] · `tensorScale` · the e4m3 number of the group. */
export interface Nvfp4Result {
  /** On e2m1 in groups of 16, f32 scales. */
  readonly matrix: QuantizedMatrix
  /** Unit of the group scales: absmax / (6 · 448). */
  readonly tensorScale: number
  /** u8 [N · groups]: the multiples, in e4m3. */
  readonly scaleCodes: Uint8Array
}

/**
 * Rounds a weight to NVFP4 with a scale for the tensor beside those of the groups of 16, which are in e4m3 (the format
 * of NVIDIA's checkpoints; ggml's blocks of the same name have no scale for the tensor).
 *
 * @throws TesseraError `invalid-shape`, `invalid-value` for the weight
 */
export function nvfp4(weight: WeightMatrix): Nvfp4Result {
  checkWeight('nvfp4', weight)
  const { values, shape } = weight
  const [rows, columns] = shape
  const grid = codebookGrid('fp4_e2m1', 16, 'f32')
  const groups = groupsPerRow(grid, columns)
  const group = createGroupScale(grid, 'range', 'narrow')
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const tensorScale = largest > 0 ? Math.fround(largest / (6 * 448)) : 1
  const codes = new Uint8Array(values.length)
  const scales = new Float32Array(rows * groups)
  const scaleCodes = new Uint8Array(rows * groups)
  for (let at = 0; at < scales.length; at++) {
    const start = Math.floor(at / groups) * columns + (at % groups) * 16
    const end = Math.min(start + 16, (Math.floor(at / groups) + 1) * columns)
    let extreme = 0
    for (let i = start; i < end; i++) extreme = Math.max(extreme, Math.abs(values[i] as number))
    scaleCodes[at] = encodeFp8E4M3(Math.min(extreme / 6 / tensorScale, 448))
    scales[at] = group.scale = Math.fround(decodeFp8E4M3(scaleCodes[at] as number) * tensorScale)
    if (group.scale > 0) for (let i = start; i < end; i++) codes[i] = group.code(values[i] as number)
  }
  return { matrix: { shape, grid, codes, scales }, tensorScale, scaleCodes }
}
