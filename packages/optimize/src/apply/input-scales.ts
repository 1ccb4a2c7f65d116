import type { LinearStatistics } from '@tessera-llm/quantization'
import { bytesOf, TesseraError, viewBytes } from '@tessera-llm/tensor'
import { weightClass } from '../names/index.ts'
import type { Recipe } from '../recipe/index.ts'
import type { WorkStore } from '../store/index.ts'
import type { Assignments } from './assignments.ts'

/** Scales of the inputs of layers with static activations, stored beside the weights. */
export interface InputScales {
  /**
   * Names of the weights whose inputs get a scale: those that become integers. Empty unless the recipe requests static
   * activations.
   */
  readonly names: ReadonlySet<string>
  /** Computes and stores the scale that maps the largest input on the calibration text to the code 127. */
  find(name: string, statistics: LinearStatistics): Promise<void>
  /** All stored scales by the name of the weight. */
  all(): Promise<ReadonlyMap<string, number>>
}

export function createInputScales({ activations }: Recipe, assignments: Assignments, store: WorkStore): InputScales {
  const isMeant = (name: string): boolean =>
    activations === 'int8-static' &&
    typeof assignments.get(name)?.format !== 'string' &&
    weightClass(name) !== 'embedding'
  const names = new Set([...assignments.keys()].filter(isMeant))
  const keyOf = (name: string): string => `${name}.input_scale`
  return {
    names,
    async find(name, { absMax }) {
      if (!absMax)
        throw new TesseraError(
          'invalid-value',
          `optimize: the statistics of ${name} hold no largest inputs, which static activations need; gather them with calibrate`,
        )
      await store.put(keyOf(name), bytesOf(Float32Array.of(staticScale(absMax))))
    },
    async all() {
      const scales = new Map<string, number>()
      for (const name of names) {
        const bytes = await store.get(keyOf(name))
        if (bytes) scales.set(name, viewBytes(bytes.slice(), 'f32')[0] as number)
      }
      return scales
    },
  }
}

/** Any scale serves for an input that is always zero. */
function staticScale(absMax: Float32Array): number {
  let largest = 0
  for (const value of absMax) largest = Math.max(largest, value)
  return largest === 0 ? 1 : Math.max(largest / 127, 2 ** -100)
}
