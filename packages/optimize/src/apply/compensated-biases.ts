import { compensateBias, type LinearStatistics, type WeightMatrix } from '@tessera-llm/quantization'
import { bytesOf, viewBytes } from '@tessera-llm/tensor'
import { type CompressedWeight, decodeWeight } from '../quantize/index.ts'
import type { WorkStore } from '../store/index.ts'
import type { Subject } from '../subject/index.ts'
import type { Assignments } from './assignments.ts'

/**
 * Biases of compressed layers that restore the mean of each output over the calibration text, stored beside the
 * weights.
 */
export interface CompensatedBiases {
  /** Computes the bias of a compressed weight if its step requests it and the layer has one. */
  compensate(
    subject: Subject,
    name: string,
    weight: WeightMatrix,
    result: CompressedWeight,
    statistics: LinearStatistics | undefined,
  ): Promise<void>
  /** The changed values of a vector; undefined for an unchanged one. */
  read(vector: string): Promise<Float32Array | undefined>
  /** The model with these biases. */
  applied(subject: Subject): Subject
}

export function createCompensatedBiases(assignments: Assignments, store: WorkStore): CompensatedBiases {
  const biasOf = (name: string): string => `${name}.bias`
  const meant = new Set([...assignments].filter(([, step]) => step.compensateBias).map(([name]) => biasOf(name)))
  const read = async (vector: string): Promise<Float32Array<ArrayBuffer> | undefined> => {
    const bytes = meant.has(vector) ? await store.get(vector) : undefined
    return bytes && (viewBytes(bytes.slice(), 'f32') as Float32Array<ArrayBuffer>)
  }
  return {
    read,
    async compensate(subject, name, weight, result, statistics) {
      const bias = meant.has(biasOf(name)) ? subject.weights.get(biasOf(name)) : undefined
      if (bias && statistics)
        await store.put(
          biasOf(name),
          bytesOf(compensateBias(weight, decodeWeight(result), statistics, await bias.read())),
        )
    },
    applied(subject) {
      const weights = new Map(subject.weights)
      for (const vector of meant) {
        const bias = weights.get(vector)
        if (bias)
          weights.set(vector, {
            ...bias,
            format: 'f32',
            read: async (signal) => (await read(vector)) ?? bias.read(signal),
          })
      }
      return meant.size === 0 ? subject : { ...subject, weights }
    },
  }
}
