import {
  type BlockMatrix,
  type Encode,
  type EncodeNow,
  encodePlain,
  ggmlFormat,
  type Gptq,
  gptqBlocks,
  type GptqKernel,
  gptqPlain,
  hqq,
  importanceOf,
  type LinearStatistics,
  type Multiply,
  type Round,
  type RoundBlocks,
  roundPlain,
  type WeightMatrix,
} from '@tessera-llm/quantization'
import { encodeElements, TesseraError } from '@tessera-llm/tensor'
import type { GgmlFormat, IntegerFormat, QuantizeStep, WeightFormat } from '../recipe/index.ts'
import type { CompressedWeight } from './compressed-weight.ts'
import { gridOf, integerGrid } from './grid-of.ts'

/** Result of `quantizeWeight`. */
export interface QuantizedWeight {
  readonly weight: CompressedWeight
  /** Deviations from the request, as sentences for the receipt. */
  readonly notes: readonly string[]
}

/** The numerical routines of methods. */
export interface Solver {
  /** Matrix product in f64. */
  readonly multiply: Multiply
  /**
   * GPTQ onto integers and tables on a device's threads (`createDeviceGptq`), to the codes of `kernel`. Default: on the
   * calling thread.
   */
  readonly gptq?: Gptq | undefined
  /**
   * The sweep of GPTQ onto integers and tables in WebAssembly on the calling thread (`createWasmGptqKernel`). Default:
   * TypeScript.
   */
  readonly kernel?: GptqKernel | undefined
  /**
   * Rounding to ggml's blocks on a device's threads, to the same bytes (`createDeviceEncoder`). Default: TypeScript.
   */
  readonly encode?: Encode | undefined
  /**
   * Rounding to integers in groups on a device's threads, to the same codes (`createDeviceRounder`). Default:
   * TypeScript.
   */
  readonly round?: Round | undefined
  /**
   * The same from the blocks in which a weight is stored, decoded on the device's threads too, to the same codes
   * (`createDeviceBlockRounder`). Default: decoded on the calling thread, then `round`.
   */
  readonly roundBlocks?: RoundBlocks | undefined
  /**
   * Rounding to ggml's blocks on the calling thread, for GPTQ onto those blocks (`createWasmEncoder`). Default:
   * TypeScript.
   */
  readonly encodeNow?: EncodeNow | undefined
}

/** Whether a step needs statistics of a layer's inputs. */
export function needsStatistics({
  method,
  importance = false,
  compensateBias = false,
}: Pick<QuantizeStep, 'method' | 'importance' | 'compensateBias'>): boolean {
  return method === 'gptq' || importance || compensateBias
}

/** Whether a step needs the second moment of the inputs, not only its diagonal. */
export function needsSecondMoment({ method }: Pick<QuantizeStep, 'method'>): boolean {
  return method === 'gptq'
}

/** `true`, or the reason why a step cannot be executed for any weight. */
export function isSupported({ method, format }: Pick<QuantizeStep, 'method' | 'format'>): true | string {
  if (method === 'hqq' && !isIntegers(format))
    return `hqq rounds to integers in groups such as { bits: 4, group: 64 }, not to ${typeof format === 'string' ? format : format.codebook}; use rtn or gptq`
  return true
}

function isIntegers(format: WeightFormat): format is IntegerFormat {
  return typeof format !== 'string' && 'bits' in format
}

/** Whether a step without statistics can be executed on the blocks in which a weight is stored. */
export function roundsBlocks({ method, format }: QuantizeStep, { roundBlocks }: Pick<Solver, 'roundBlocks'>): boolean {
  return roundBlocks !== undefined && method === 'rtn' && isIntegers(format)
}

/**
 * Applies one step for which `roundsBlocks` holds, without statistics; undefined where `quantizeWeight` is to be called
 * with the decoded weight.
 */
export async function quantizeBlocks(
  blocks: BlockMatrix,
  { format, clip = true }: QuantizeStep,
  { roundBlocks }: Pick<Solver, 'roundBlocks'>,
): Promise<QuantizedWeight | undefined> {
  const matrix = await roundBlocks?.(blocks, gridOf(format as IntegerFormat), { scale: clip ? 'search' : 'range' })
  return matrix && { weight: { kind: 'matrix', matrix }, notes: [] }
}

/**
 * Applies one step to one weight.
 *
 * @throws TesseraError as the method
 */
export async function quantizeWeight(
  weight: WeightMatrix,
  step: QuantizeStep,
  statistics: LinearStatistics | undefined,
  { multiply, gptq = gptqPlain, kernel, encode = encodePlain, encodeNow, round = roundPlain }: Solver,
): Promise<QuantizedWeight> {
  const { method, format, damping, passes, actOrder = true, clip = true } = step
  const blocks = (id: GgmlFormat, bytes: Uint8Array, notes: readonly string[] = []): QuantizedWeight => ({
    weight: { kind: 'blocks', format: id, shape: weight.shape, bytes },
    notes,
  })
  if (format === 'f16' || format === 'f32') {
    const { buffer, byteOffset, byteLength } = encodeElements(weight.values, format)
    return blocks(format, new Uint8Array(buffer, byteOffset, byteLength))
  }
  const scale = clip ? 'search' : 'range'
  const order = actOrder ? 'groups' : 'stored'
  const importance = step.importance && statistics ? importanceOf(statistics) : undefined
  if (method === 'gptq' && statistics) {
    const options = { order, damping, passes, multiply, correction: step.correct ? 1 : 0 } as const
    if (typeof format === 'string') {
      const result = gptqBlocks(weight, statistics, format, { ...options, encode: encodeNow })
      return blocks(format, result.blocks, result.notes)
    }
    const { matrix, notes } = await gptq(weight, statistics, gridOf(format), { ...options, scale, kernel })
    return { weight: { kind: 'matrix', matrix }, notes }
  }
  if (method === 'rtn') {
    if (typeof format !== 'string')
      return {
        weight: { kind: 'matrix', matrix: await round(weight, gridOf(format), { scale, importance }) },
        notes: [],
      }
    const { blocks: bytes } = await encode(
      ggmlFormat(format),
      weight.values,
      weight.shape,
      importance ? { importance } : {},
    )
    return blocks(format, bytes as Uint8Array)
  }
  if (method === 'hqq' && isIntegers(format))
    return {
      weight: { kind: 'matrix', matrix: hqq(weight, integerGrid(format), { integerZeros: step.integerZeros }).matrix },
      notes: [],
    }
  throw new TesseraError('unsupported', `optimize: ${method} cannot round to ${JSON.stringify(format)} here`)
}
